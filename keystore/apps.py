"""Django's entry for the keystore."""

from django.apps import AppConfig


class KeystoreConfig(AppConfig):
    """Tables ``keystore_*``."""

    name = "keystore"
