"""Could the record be written just now? What cannot be recorded may not leave, so everything that serves asks here.

Once a second a thread makes one write transaction that inserts into the log, rolls back to a savepoint, and commits a
heartbeat in the same database. The age of the last good probe decides, never the thread: one that hangs on a lock
grows old like one that failed. Ages are measured with a monotonic clock. A failed write of log or journal voids the
pulse at once; only a probe that began after it heals it.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from uuid import UUID, uuid4

from django.db import Error as DatabaseFault
from django.db import connection, transaction

from audit import clock, tables, turns
from audit.errors import LogUnavailable
from audit.rows import GENESIS, VERSION, Row, chain

logger = logging.getLogger("audit.pulse")

EVERY_SECONDS = 1.0
STALE_SECONDS = 2.0
PROBE_PATIENCE_MS = 1_000
_PROBE_LOG = 0  # no log has this number, so the row collides with none even while it exists

_lock = threading.Lock()
_probing = threading.Lock()
_good_at: float | None = None
_failed_at: float | None = None
_tried_at: float | None = None
_thread: threading.Thread | None = None
_ending = threading.Event()
_process = ""
_witnesses: dict[str, Callable[[], bool]] = {}
_chores: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {}


def check() -> None:
    """Return while the log could be written in the last two seconds, else raise LogUnavailable.

    A process without the thread (a command, a test) probes in place, at most once a second.
    """
    if _well():
        return
    if not running() and not connection.in_atomic_block:
        _probe_in_place()
        if _well():
            return
    raise LogUnavailable("The record could not be written in the last two seconds.")


def lost() -> bool:
    """Tell whether this process knows that the record cannot be written now: it has its thread, and no good probe."""
    return running() and not _well()


def moment() -> float:
    """The monotonic time to hand to `good`: take it inside the transaction, once the log has accepted a row."""
    return time.monotonic()


def good(at: float) -> None:
    """Note that the log accepted a row at that moment and the transaction has committed."""
    global _good_at
    if not all(witness() for witness in _witnesses.values()):
        return
    with _lock:
        _good_at = at if _good_at is None else max(_good_at, at)


def fail(reason: str) -> None:
    """Void every lease of this process now, until a probe that begins later succeeds. `reason` names no study."""
    global _failed_at
    with _lock:
        _failed_at = time.monotonic()
    logger.error("the record cannot be written: %s", reason)


def witness(name: str, well: Callable[[], bool]) -> None:
    """Let a probe count as good only while `well()` says so too: the journal's word."""
    _witnesses[name] = well


def chore(name: str, each_second: Callable[[], None], at_end: Callable[[], None]) -> None:
    """Let the thread do a small piece of work after each probe, and once more at its end."""
    _chores[name] = (each_second, at_end)


def probe() -> bool:
    """Probe now, in this thread; tell whether it went well."""
    global _tried_at
    _tried_at = time.monotonic()
    try:
        good(_probe())
    except DatabaseFault as error:
        fail(f"the probe failed ({type(error).__name__})")
        connection.close()
        return False
    return True


def running() -> bool:
    """Tell whether this process has its thread."""
    return _thread is not None and _thread.is_alive()


def start() -> None:
    """Begin to probe once a second in a thread of this process. May be called again, also after a fork."""
    global _thread, _ending
    with _lock:
        if running():
            return
        _ending = threading.Event()
        thread = threading.Thread(target=_beat, args=(_ending,), name="audit-pulse", daemon=True)
        _thread = thread
    probe()
    thread.start()


def stop() -> None:
    """End the thread and forget what was found; a thread that hangs on a lock is left behind after a while."""
    global _thread, _good_at, _failed_at, _tried_at
    _ending.set()
    thread = _thread
    if thread is not None and thread.is_alive() and thread is not threading.current_thread():
        thread.join(timeout=5)
    with _lock:
        _thread, _good_at, _failed_at, _tried_at = None, None, None, None
    clock.forget()


def _well() -> bool:
    with _lock:
        good_at, failed_at = _good_at, _failed_at
    if good_at is None or (failed_at is not None and failed_at >= good_at):
        return False
    return time.monotonic() - good_at <= STALE_SECONDS


def _probe_in_place() -> None:
    with _probing:
        recently = _tried_at is not None and time.monotonic() - _tried_at < EVERY_SECONDS
        if not _well() and not recently:
            probe()


def _beat(ending: threading.Event) -> None:
    while not ending.wait(EVERY_SECONDS):
        probe()
        _do(each for each, _ in _chores.values())
    _do(at_end for _, at_end in _chores.values())
    connection.close()


def _do(chores: Iterable[Callable[[], None]]) -> None:
    for work in chores:
        try:
            work()
        except (DatabaseFault, LogUnavailable) as error:
            logger.warning("a chore of the record must wait (%s)", type(error).__name__)


def _probe() -> float:
    """One write transaction: a row accepted and taken back, a heartbeat committed. Returns when it was accepted."""
    with turns.patience(PROBE_PATIENCE_MS), transaction.atomic(durable=True):
        before = transaction.savepoint()
        turns.take(PROBE_PATIENCE_MS)
        tables.insert([chain(_probe_row(), ("",), GENESIS)])
        accepted = moment()
        transaction.savepoint_rollback(before)
        clock.read()
        _heartbeat()
    return accepted


def _probe_row() -> Row:
    return Row(
        log=_PROBE_LOG,
        seq=int.from_bytes(os.urandom(6), "big"),
        id=uuid4(),
        version=VERSION,
        time_us=0,
        **dict.fromkeys(
            ("action", "outcome", "actor_kind", "actor_key", "actor_name", "actor_role", "actor_address"), ""
        ),
        **dict.fromkeys(("actor_ae_title", "actor_session", "request_id", "purpose", "study_uid", "patient"), ""),
        sitting=UUID(int=0),
        count=0,
        details_key=None,
        details=b"",
    )


def _heartbeat() -> None:
    global _process
    if not _process:
        _process = f"{socket.gethostname()[:20]}:{os.getpid()}:{uuid4().hex[:12]}"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_heartbeat (process, beaten_at) VALUES (%s, CURRENT_TIMESTAMP) "
            "ON CONFLICT (process) DO UPDATE SET beaten_at = excluded.beaten_at",
            [_process],
        )


def _after_fork() -> None:
    """A child has neither the thread nor any knowledge of its own, and may have copied a lock that nobody will open."""
    global _lock, _probing, _thread, _good_at, _failed_at, _tried_at, _process
    _lock, _probing = threading.Lock(), threading.Lock()
    _thread, _good_at, _failed_at, _tried_at, _process = None, None, None, None, ""


os.register_at_fork(after_in_child=_after_fork)
