"""Whether the telling gets on: an alert when it has stood for five minutes, settled when it goes on."""

import time

from audit import alerts

STALL_SECONDS = 300.0
AGAIN_SECONDS = 24 * 3600.0


class Watch:
    """What one sender knows of its own progress towards one destination."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._since: float | None = None
        # A process before this one may have left an alert behind.
        self._alerted = True
        self._told_at: float | None = None
        self.failures = 0

    def moved(self) -> None:
        """The cursor was put on."""
        self._since, self.failures, self._told_at = None, 0, None
        if self._alerted:
            alerts.settle("syslog", self._url, "syslog")
            self._alerted = False

    def look(self, *, waiting: bool) -> None:
        """Raise the alert when something has waited for too long without progress."""
        now = time.monotonic()
        if not waiting:
            self._since = None
        elif self._since is None:
            self._since = now
        elif now - self._since >= STALL_SECONDS:
            self.tell("The collector of audit messages has taken nothing for five minutes while rows wait.")

    def tell(self, message: str) -> None:
        """Raise the alert; while nothing gets better, again every day, be it that somebody has seen the last one."""
        now = time.monotonic()
        if self._told_at is None or now - self._told_at >= AGAIN_SECONDS:
            self._told_at, self._alerted = now, True
            alerts.raise_("syslog", self._url, message)
