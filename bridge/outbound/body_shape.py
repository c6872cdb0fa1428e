"""What an MT's body may hold: the shape that each is checked with, and that the published schema is made from.

What no shape can say (Base64, sizes in all, what excludes what) is checked by `body`.
"""

from typing import Annotated, Any, Literal, Required

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from bridge.model.addresses import SENDER_PATTERN
from bridge.model.mt import DoubtPolicy, Encoding, ReceiptMode

ID_PATTERN = r"^[\x20-\x7e]{1,128}$"
_HEX = r"^([0-9A-Fa-f]{2})*$"
_INSTANT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)

Priority = Literal["bulk_low", "bulk", "interactive_low", "interactive"]
Tag = Annotated[str, Field(pattern=r"^0[xX][0-9A-Fa-f]{1,4}$")]
Word = Annotated[str, Field(max_length=256)]


@with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True))
class MediaPart(TypedDict):
    """One part of an MMS."""

    content_type: Annotated[str, Field(min_length=1, max_length=256)]
    """MIME type."""
    data: Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})]
    """The octets, Base64."""


@with_config(ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True))
class MtBody(TypedDict, total=False):
    """One message from an application to a phone. An optional field may be null, which means absent."""

    id: Annotated[str, Field(pattern=ID_PATTERN)] | None
    """Idempotency key, echoed everywhere; absent: the AMQP message_id, which then must be there."""
    to: Required[Annotated[str, Field(pattern=r"^\+?[0-9]{3,15}$")]]
    """E.164, with or without +."""
    from_: Annotated[Annotated[str, Field(pattern=SENDER_PATTERN)] | None, Field(alias="from")]
    """Number, short code, or up to 11 characters; absent: the route's `from`."""
    text: str | None
    """The message. Exactly one of text, data and media must be there."""
    data: Annotated[str | None, Field(json_schema_extra={"contentEncoding": "base64"})]
    """The message as octets, Base64."""
    udh: Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{2}){1,140}$")] | None
    """User data header, hex, from its length octet on; only with data."""
    media: Annotated[list[MediaPart], Field(min_length=1)] | None
    """MMS parts, for HTTP providers; 4 MiB of octets in all."""
    encoding: Encoding | None
    """`auto` (default) takes the smallest that loses nothing on this provider."""
    receipt: ReceiptMode | None
    """`final` (default): one DR event per MT; `all`: every receipt as it comes, too; `none`."""
    expires_at: Annotated[str, Field(pattern=_INSTANT)] | None
    """RFC 3339 with an offset: after it the MT is not sent."""
    priority: Priority | None
    """Told to the provider; default bulk. Overtaking inside the bridge is the routing key's business."""
    on_doubt: DoubtPolicy | None
    """When the answer was lost: send again or park; default: the route's policy."""
    carrier: Word | None
    """Passed to HTTP providers that know it."""
    app_id: Word | None
    """Passed to HTTP providers that know it; comes back in events."""
    conversation_id: Word | None
    """Passed to HTTP providers that know it; comes back in events."""
    metadata: dict[str, Any] | None
    """Comes back in every event of this MT; at most 4 KiB as compact JSON, 32 levels."""
    tlvs: Annotated[dict[Tag, Annotated[str, Field(pattern=_HEX)]], Field(max_length=64)] | None
    """Extra TLVs of submit_sm: hex by tag."""


MT_BODY: TypeAdapter[MtBody] = TypeAdapter(MtBody)
