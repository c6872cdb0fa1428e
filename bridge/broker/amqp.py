"""Numbers of AMQP 0-9-1: kinds of frames (2.3.5), methods and properties of the class basic (1.8)."""

import struct

FRAME = struct.Struct(">BHI")
"""Kind, channel, octets of payload; the payload and END follow."""
METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
CONTENT_HEADER = struct.Struct(">HHQ")
"""Class, weight, octets of body; the properties with their flags follow."""
KINDS = frozenset((METHOD, HEADER, BODY, HEARTBEAT))
END = b"\xce"

BASIC = 60
PUBLISH, RETURN, DELIVER, ACK, NACK = 40, 50, 60, 80, 120

MANDATORY = 1
MULTIPLE, REQUEUE = 1, 2

CONTENT_TYPE, CONTENT_ENCODING, HEADERS, DELIVERY_MODE = 1 << 15, 1 << 14, 1 << 13, 1 << 12
PRIORITY, CORRELATION_ID, REPLY_TO, EXPIRATION = 1 << 11, 1 << 10, 1 << 9, 1 << 8
MESSAGE_ID, TIMESTAMP, TYPE, USER_ID, APP_ID = 1 << 7, 1 << 6, 1 << 5, 1 << 4, 1 << 3

LONG = struct.Struct(">I")
LONGLONG = struct.Struct(">Q")
