"""Whether the telling gets on: an alert when it has stood for five minutes, settled when it goes on."""

import time

from audit import alerts

STALL_SECONDS = 300.0


class Watch:
    """What one sender knows of its own progress towards one destination."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._since: float | None = None
        # A process before this one may have left an alert behind.
        self._alerted = True
        self._told = False
        self.failures = 0

    def moved(self) -> None:
        """The cursor was put on."""
        self._since, self.failures, self._told = None, 0, False
        if self._alerted:
            alerts.settle("syslog", self._url, "syslog")
            self._alerted = False

    def look(self, *, waiting: bool) -> None:
        """Raise the alert once when something has waited for too long without progress."""
        now = time.monotonic()
        if not waiting:
            self._since = None
        elif self._since is None:
            self._since = now
        elif now - self._since >= STALL_SECONDS:
            self.tell("The collector of audit messages has taken nothing for five minutes while rows wait.")

    def tell(self, message: str) -> None:
        """Raise the alert, unless it was since the last progress."""
        if not self._told:
            self._told = self._alerted = True
            alerts.raise_("syslog", self._url, message)
