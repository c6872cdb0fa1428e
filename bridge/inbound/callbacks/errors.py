"""How the door fails before it is open."""


class CannotListen(Exception):
    """The address of `callbacks.listen` cannot be used. The message is fit for one line and names the setting."""
