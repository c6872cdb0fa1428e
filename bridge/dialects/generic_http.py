"""Any HTTP API that takes forms, JSON or queries: the three forms of the configuration, put together to a dialect."""

from dataclasses import dataclass

from bridge.dialects.generic_answer import AnswerForm
from bridge.dialects.generic_callback import CallbackForm
from bridge.dialects.generic_request import RequestForm
from bridge.dialects.http import Reading, ident_of
from bridge.model.inbound import Dr, Mo
from bridge.model.mt import Mt
from bridge.model.outcome import Rejected
from bridge.model.web import Callback, HttpAnswer, HttpRequest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GenericHttp:
    """One account."""

    request: RequestForm
    answer: AnswerForm
    callback: CallbackForm

    def carries(self, mt: Mt) -> bool:
        """What the request has a place for."""
        return self.request.uncarried(mt) is None

    def known_as(self, mt_key: str) -> str | None:
        """Our own name of the MT, where the request tells it and the answer brings none of the provider's."""
        return ident_of(mt_key) if self.answer.id is None and "id" in self.request.names else None

    def write(self, mt: Mt, mt_key: str, from_: str) -> HttpRequest | Rejected:
        """The MT as a request."""
        return self.request.write(mt, mt_key, from_)

    def read_answer(self, answer: HttpAnswer, ident: str) -> Reading:
        """What it says of the MT."""
        return self.answer.read(answer, ident)

    def read_callback(self, callback: Callback) -> Mo | Dr:
        """A receipt or a message. Raises BadCallback."""
        return self.callback.read(callback)
