"""What can go wrong when something sealed is opened; no message ever holds a key, a name or any other content."""


class VaultError(Exception):
    """Root of every error this package raises on purpose; wrong use of a function stays ``ValueError``."""


class Tampered(VaultError):
    """The bytes do not authenticate, or they are not the object that belongs in this place."""
