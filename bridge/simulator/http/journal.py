"""The HTTP provider's log as JSON lines (`lines.py`): what an audit in another process reads.

One line each, told apart by `event`:

- `request`: `site ident times taken code status fields attachments`: a request for a message came. `ident`: its
  message_id; `times`: so many came with this ident up to now; `taken`: the provider is responsible for it from here
  on. `code` and `status`: the provider's number and HTTP's in the answer, null: not answered (yet). `fields`: the
  parameters, without credentials and attachments; `attachments`: `content_type octets` (their number) of each.
- `answer`: `site ident code status`: the answer to a request that was not answered at once.
- `callback`: `kind ident site url attempt status error fields`: one request of a callback is over. `kind`: receipt
  or mo; `attempt` counts those of the same callback; `status` null: no answer, and `error` says why. `url` without
  what could be secret in it. A callback under way at the time of a crash has no line.
- `given_up`: `kind ident`: a callback was never answered OK and is not sent again.
- `up`, `down`: `site node`: a site listens, or does so no longer.

`at` is seconds since the epoch; of a callback when it was sent.
"""

import time

from bridge.simulator.http.records import Callback, Request, Sent
from bridge.simulator.lines import Lines


class HttpJournal(Lines):
    """The lines of an HTTP provider."""

    def request(self, request: Request) -> None:
        """A message was taken or refused."""
        self.note(
            "request",
            request.at,
            site=request.site,
            ident=request.ident,
            times=request.times,
            taken=request.taken,
            code=request.code,
            status=request.status,
            fields={
                name: value for name, value in request.fields.items() if not name.startswith("mms_attachment")
            },
            attachments=[
                {"content_type": part.content_type, "octets": len(part.content)}
                for part in request.attachments
            ],
        )

    def answer(self, request: Request) -> None:
        """A request is answered at last."""
        self.note(
            "answer",
            time.time(),
            site=request.site,
            ident=request.ident,
            code=request.code,
            status=request.status,
        )

    def callback(self, sent: Sent) -> None:
        """One request of a callback was answered, or will not be."""
        callback = sent.callback
        self.note(
            "callback",
            sent.at,
            kind=callback.kind,
            ident=callback.ident,
            site=callback.site,
            url=sent.url,
            attempt=sent.attempt,
            status=sent.status,
            error=sent.error,
            fields={
                name: value
                for name, value in callback.fields.items()
                if not name.startswith("mms_attachment")
            },
        )

    def given_up(self, callback: Callback) -> None:
        """The last request of a callback failed too."""
        self.note("given_up", time.time(), kind=callback.kind, ident=callback.ident)
