"""TLS to an SMSC: what the settings ask for, as a context that verifies the peer and its name."""

import ssl

from bridge.config.settings import TlsSettings


class Unusable(Exception):
    """No bind can be made of these settings. The message is fit for one line and names the setting or the file."""


def client_context(files: TlsSettings) -> ssl.SSLContext:
    """A context for our side: TLS 1.2 at least, the SMSC's certificate and host name verified.

    `ca` replaces the system's authorities; `cert` (with `key`, unless that is in the same file) is ours.
    Raises Unusable.
    """
    try:
        context = ssl.create_default_context(cafile=files.ca)
    except (OSError, ValueError) as error:
        raise Unusable(f"cannot use the authorities in {files.ca}: {_reason(error)}") from error
    if files.cert:
        try:
            context.load_cert_chain(files.cert, files.key, password=_no_password)
        except (OSError, ValueError) as error:
            pair = f"{files.cert} with {files.key}" if files.key else str(files.cert)
            raise Unusable(f"cannot use the certificate {pair}: {_reason(error)}") from error
    return context


def _no_password() -> str:
    """A key that asks for a password must not make a server ask its terminal."""
    return ""


def _reason(error: OSError | ValueError) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
