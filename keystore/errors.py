"""What can go wrong with the installation's keys; the words are for the operator and never hold a key."""


class KeystoreError(Exception):
    """Root of the keystore's errors: a key the installation needs cannot be used."""


class RootKeyError(KeystoreError):
    """The root key is missing, unsafe, or not the one that wrapped this installation's keys."""


class KeyGoneError(KeystoreError):
    """The epoch was ended and its key destroyed, or never was in this database."""


class RecoveryError(KeystoreError):
    """The recovery key is missing, or the shares given do not make it, or it does not open what it should."""
