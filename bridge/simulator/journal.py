"""The provider's log as JSON lines: what an audit in another process reads.

A line is handed to the operating system before the answer it speaks of is: whatever the ESME saw answered is in
the file, also when this process is killed with SIGKILL. One line each, told apart by `event`:

- `submit`: `site node bind sequence_number source destination octets data_coding registered_delivery esm_class
  segment message_id receipt_id status`. `segment`: `reference total number` of a long message's, else null.
  `message_id` null: not taken; `receipt_id`: how receipts spell it. `status` null: not answered (yet).
- `answer`: `message_id bind sequence_number status`: the answer to a submit_sm that was not answered at once.
- `deliver`: `kind id site node bind sequence_number attempt source destination octets`: a deliver_sm was sent.
- `deliver_answer`: `kind id bind sequence_number status`: and answered.
- `bound`, `lost`: `site node bind`; `up`, `down`: `site node`: a node listens, or does so no longer.

`at` is seconds since the epoch; `octets` is the short_message (or message_payload) in hex, its header included.
"""

from bridge.model.inbound import Concat
from bridge.simulator.lines import Lines
from bridge.simulator.records import Delivery, Submit


class Journal(Lines):
    """The lines of an SMPP provider."""

    def submit(self, submit: Submit) -> None:
        """A submit_sm was taken or refused."""
        self.note(
            "submit",
            submit.at,
            site=submit.site,
            node=submit.node,
            bind=submit.bind,
            sequence_number=submit.sequence_number,
            source=submit.source,
            destination=submit.destination,
            octets=submit.octets.hex(),
            data_coding=submit.data_coding,
            registered_delivery=submit.registered_delivery,
            esm_class=submit.esm_class,
            segment=_segment(submit.segment),
            message_id=submit.message_id,
            receipt_id=submit.receipt_id,
            status=submit.status,
        )

    def answer(self, submit: Submit, at: float) -> None:
        """A submit_sm is answered at last."""
        self.note(
            "answer",
            at,
            message_id=submit.message_id,
            bind=submit.bind,
            sequence_number=submit.sequence_number,
            status=submit.status,
        )

    def deliver(self, delivery: Delivery) -> None:
        """A deliver_sm is sent."""
        parcel = delivery.parcel
        self.note(
            "deliver",
            delivery.at,
            kind=parcel.kind,
            id=parcel.id,
            site=delivery.site,
            node=delivery.node,
            bind=delivery.bind,
            sequence_number=delivery.sequence_number,
            attempt=delivery.attempt,
            source=parcel.source,
            destination=parcel.destination,
            octets=parcel.octets.hex(),
        )

    def deliver_answer(self, delivery: Delivery, at: float) -> None:
        """The ESME answered a deliver_sm."""
        self.note(
            "deliver_answer",
            at,
            kind=delivery.kind,
            id=delivery.id,
            bind=delivery.bind,
            sequence_number=delivery.sequence_number,
            status=delivery.status,
        )


def _segment(segment: Concat | None) -> dict[str, int] | None:
    if segment is None:
        return None
    return {"reference": segment.ref, "total": segment.total, "number": segment.seq}
