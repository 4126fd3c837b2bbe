"""What every serving process starts before its first answer."""

import atexit
import gc
import logging
import os
from functools import cache
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Final

from pacs import logs
from pacs.hardening import die_with_parent, harden

if TYPE_CHECKING:
    from audit.programs import Process

logger = logging.getLogger("pacs.start")

ROLES = ("web", "dimse", "worker", "scheduler")

COLLECTED_AT: Final = (10_000, 10, 10)
"""Objects that come before the collector looks for circles among them, and how often it then looks at older ones."""

_lives: "list[Process]" = []
"""This process, once its start is on record and until its end is."""


def serving(role: str) -> None:
    """Make this process fit to serve in ``role``: hardened, its journal open, the pulse and the access epoch watched,
    its start on record.

    Called once a process, after any fork and before the first request, association or task.
    """
    from accounts import epoch
    from archive import certificates
    from audit import journal, pulse
    from pacs import starting

    harden()
    logs.catch()
    die_with_parent(os.getppid())
    pulse.start()
    epoch.start()
    journal.start()
    _lives.append(starting.started(role))
    # A process made by multiprocessing leaves without atexit; it runs finalizers instead.
    atexit.register(_ending)
    Finalize(None, _ending, exitpriority=10)
    # A restored database may know keys that were destroyed since: they go before anything can be opened.
    certificates.replay()
    _steady()
    logger.info("serving %s in process %d", role, os.getpid())


def _steady() -> None:
    """Let the collector look no more at what is there for good: each look at all of it would hold up an answer.

    What a program has loaded are some hundred thousand objects, and to go through them takes a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AT)


def _stopped() -> None:
    from audit import programs

    while _lives:
        programs.stopped(_lives.pop())


@cache
def _ending() -> None:
    """Finish what was taken in, then close the journal and end the watchers; runs once."""
    from accounts import epoch
    from archive import ingest
    from audit import journal, pulse

    for stop in (ingest.stop, journal.stop, _stopped, epoch.stop, pulse.stop):
        try:
            stop()
        except Exception:
            logger.exception("something would not end")
