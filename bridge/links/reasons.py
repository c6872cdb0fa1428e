"""Why a connection could not be made, in words fit for one line."""

import socket
import ssl

from bridge.config.tls import OF_PROVIDER, tls_trouble


def reason_of(error: OSError | UnicodeError, limit_s: float) -> str:
    """`limit_s`: how long it was tried."""
    match error:
        case TimeoutError():
            return f"no connection within {round(limit_s, 2):g} s"
        case ssl.SSLError():
            return tls_trouble(error, OF_PROVIDER) or str(error)
        case ConnectionRefusedError():
            return "connection refused"
        case ConnectionResetError() | ConnectionAbortedError():
            return "connection reset before it could be used"
        case socket.gaierror():
            return f"name not resolved: {error.strerror}"
        case _:
            return str(error)
