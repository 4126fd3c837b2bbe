"""What every serving process starts before its first answer."""

import atexit
import logging
import os
from functools import cache
from multiprocessing.util import Finalize

from pacs import logs
from pacs.hardening import die_with_parent, harden

logger = logging.getLogger("pacs.start")

ROLES = ("web", "dimse", "worker", "scheduler")


def serving(role: str) -> None:
    """Make this process fit to serve in ``role``: hardened, its journal open, the pulse and the access epoch watched.

    Called once a process, after any fork and before the first request, association or task.
    """
    from accounts import epoch
    from archive import certificates
    from audit import journal, pulse

    harden()
    logs.catch()
    die_with_parent(os.getppid())
    pulse.start()
    epoch.start()
    journal.start()
    # A restored database may know keys that were destroyed since: they go before anything can be opened.
    certificates.replay()
    # A process made by multiprocessing leaves without atexit; it runs finalizers instead.
    atexit.register(_ending)
    Finalize(None, _ending, exitpriority=10)
    logger.info("serving %s in process %d", role, os.getpid())


@cache
def _ending() -> None:
    """Finish what was taken in, then close the journal and end the watchers; runs once."""
    from accounts import epoch
    from archive import ingest
    from audit import journal, pulse

    for stop in (ingest.stop, journal.stop, epoch.stop, pulse.stop):
        try:
            stop()
        except Exception:
            logger.exception("something would not end")
