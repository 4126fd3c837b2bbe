"""The project as an app: its commands and its system checks."""

from django.apps import AppConfig


class PacsConfig(AppConfig):
    name = "pacs"

    def ready(self) -> None:
        """Register the checks that refuse unsafe settings."""
        from pacs import checks  # noqa: F401 - imported for what it registers
