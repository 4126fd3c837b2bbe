"""Children of the tests' own process: whatever goes wrong in one ends there; none goes on as a second pytest."""

import os
import signal
import traceback
from collections.abc import Callable
from typing import Final

SECONDS: Final = 30
WRONG: Final = 1
BROKEN: Final = 2


def child(holds: Callable[[], bool]) -> int:
    """Fork, and return the id of a child that ends with 0 where `holds` says so there, and is killed if it hangs."""
    pid = os.fork()
    if pid:
        return pid
    try:
        # The parent's handler would raise an error in the middle of the child; without one the alarm ends it.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS)
        os._exit(0 if holds() else WRONG)
    except BaseException:  # noqa: BLE001 - nothing may leave this child by another way
        traceback.print_exc()
    finally:
        os._exit(BROKEN)


def ended(pid: int) -> int:
    """Wait for a child and return its exit status; minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
