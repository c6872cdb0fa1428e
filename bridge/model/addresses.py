"""Telephone numbers: comparing and masking. Events carry numbers as the provider writes them."""


def digits_of(address: str) -> str:
    """The bare digits of a number, without +, 00 and separators; the address itself where it has letters.

    Used to compare two spellings of one number, never to change what is sent or published.
    """
    if any(ch.isalpha() for ch in address):
        return address.casefold()
    digits = "".join(ch for ch in address if ch.isdigit())
    return digits.removeprefix("00")


def mask(address: str) -> str:
    """A number fit for a log line: 447700900123 becomes 4477*****123; short codes keep only their ends."""
    if len(address) <= 4:
        return "*" * len(address)
    if len(address) < 8:
        return address[0] + "*" * (len(address) - 2) + address[-1]
    return address[:4] + "*" * (len(address) - 7) + address[-3:]


SENDER_PATTERN = r"^(\+?[0-9]{1,20}|[\x20-\x7e]{1,11})$"
"""What an MT may be from: a number, a short code, or up to 11 printable ASCII characters."""
