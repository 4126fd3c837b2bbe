"""What left in fact: every delivery is noted here, sealed and fsynced within a second, in the log within thirty.

The pixel path only adds to a table in memory. A thread writes that to this process's sealed journal every second and
moves the journal into the log as one DELIVERED event for each sitting and use. How far a journal was moved is kept in
the transaction of the events, so that an entry is logged exactly once, also after `kill -9` and by another process.
"""

import atexit
import logging
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import connection, transaction

from audit import alerts, deliveries, journals, log, pulse, turns
from audit.actions import Use
from audit.deliveries import Gathered
from audit.errors import LogUnavailable
from audit.models import JournalMark
from audit.receipts import Receipt
from keystore import keys
from keystore.errors import KeystoreError
from keystore.memory import Key
from vault.errors import Tampered

logger = logging.getLogger("audit.journal")

FLUSH_SECONDS = 1.0
SETTLE_SECONDS = 15.0
STUCK_SECONDS = 3.0

_memory = threading.Lock()
_file = threading.RLock()
_pending: Gathered = {}
_oldest = 0.0
_broken = False
_key: Key | None = None
_journal: journals.Journal | None = None
_thread: threading.Thread | None = None
_ending = threading.Event()


def delivered(
    receipt: Receipt,
    use: Use,
    series_uid: str,
    sop_uid: str,
    frames: Sequence[int] = (),
    nbytes: int = 0,
    *,
    study_uid: str = "",
) -> None:
    """Note what is handed to a socket: frames from 1 (none: the whole instance) and bytes. Never waits for a disk.

    The study is the receipt's own unless named. Starts the thread of this process at first need.
    """
    global _oldest
    uid = study_uid or next(iter(receipt.study_uids))
    receipt.require(uid)
    with _memory:
        if not _pending:
            _oldest = time.monotonic()
        deliveries.add(_pending, deliveries.address(receipt, use, uid), series_uid, sop_uid, frames, nbytes)
    if _thread is None:
        start()


def start() -> None:
    """Begin to flush, settle and take over dead processes' journals in a thread. May be called again."""
    global _thread, _ending
    with _memory:
        if _thread is not None and _thread.is_alive():
            return
        _ending = threading.Event()
        _thread = threading.Thread(target=_run, args=(_ending,), name="audit-journal", daemon=True)
        _thread.start()


def stop() -> None:
    """End the thread and move everything into the log; what cannot be moved stays on disk for the next start."""
    global _thread, _journal, _key, _broken
    _ending.set()
    thread = _thread
    if thread is not None and thread is not threading.current_thread():
        thread.join(timeout=10)
    with _file:
        try:
            settle()
            if _journal is not None:
                _retire(_journal)
        except (LogUnavailable, DatabaseFault, OSError, Tampered) as error:
            logger.warning("a journal waits for the next start (%s)", type(error).__name__)
            if _journal is not None:
                _journal.close()
        _thread, _journal, _key, _broken = None, None, None, False
        with _memory:
            _pending.clear()


def flush() -> None:
    """Make everything noted so far durable in the journal. Raises LogUnavailable; what was noted is kept."""
    global _pending, _broken
    with _file:
        with _memory:
            taken, _pending = _pending, {}
        if not taken:
            return
        try:
            key = _installation_key()
            _own().write(key, deliveries.pack(taken))
        except (OSError, DatabaseFault, KeystoreError) as error:
            with _memory:
                deliveries.merge(taken, _pending)
                _pending = taken
            _broken = True
            pulse.fail(f"the journal cannot be written ({type(error).__name__})")
            raise LogUnavailable("What was delivered cannot be recorded.") from error
        _broken = False


def settle() -> None:
    """Flush, then move this process's journal into the log now. Raises LogUnavailable."""
    with _file:
        flush()
        if _journal is not None and _move(_journal):
            _journal.empty()


def recover() -> int:
    """Move the journals of dead processes into the log; returns how many were found. Raises LogUnavailable."""
    found = 0
    for journal in journals.leftovers(_directory()):
        found += 1
        try:
            _move(journal)
            _retire(journal)
        except Tampered:
            alerts.raise_("journal", str(journal.id), "A journal of deliveries was changed and does not open.")
            journal.set_aside()
        except LogUnavailable:
            journal.close()
            raise
    return found


def well() -> bool:
    """Tell whether what is noted reaches the disk: no write failed, and nothing waits for longer than it should."""
    return not _broken and (not _pending or time.monotonic() - _oldest < STUCK_SECONDS)


def _move(journal: journals.Journal) -> bool:
    """Log what the database does not yet know of a journal; tells whether there was anything. Raises Tampered late."""
    try:
        key = _installation_key()
        mark = JournalMark.objects.filter(pk=journal.id).values_list("settled", flat=True).first() or 0
        gathered: Gathered = {}
        numbers, damage = [], None
        try:
            for entry in journal.read(key, after=mark):
                deliveries.merge(gathered, deliveries.unpack(entry.plaintext))
                numbers.append(entry.number)
        except Tampered as error:
            damage = error
        if numbers:
            _log(journal, gathered, numbers[0], numbers[-1])
    except (DatabaseFault, KeystoreError, OSError) as error:
        raise LogUnavailable("What was delivered cannot be recorded.") from error
    if damage is not None:
        raise damage
    return bool(numbers)


def _log(journal: journals.Journal, gathered: Gathered, first: int, last: int) -> None:
    source = {"id": str(journal.id), "first": first, "last": last}
    with turns.patience(turns.PATIENCE_MS), transaction.atomic(durable=True):
        JournalMark.objects.bulk_create(
            [JournalMark(id=journal.id, settled=last)],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["settled"],
        )
        log.append(deliveries.events(gathered, source))


def _retire(journal: journals.Journal) -> None:
    """Remove a journal whose entries are all in the log: first the file, then the mark that guards against twice."""
    journal.remove()
    JournalMark.objects.filter(pk=journal.id).delete()


def _own() -> journals.Journal:
    global _journal
    if _journal is None:
        _journal = journals.create(_directory())
    return _journal


def _directory() -> Path:
    return Path(settings.PACS_DATA_DIR) / "journals"


def _installation_key() -> Key:
    global _key
    if _key is None:
        _key = keys.installation_key("journal")
    return _key


def _run(ending: threading.Event) -> None:
    settled_at = 0.0
    recovered = False
    while True:
        ended = ending.wait(FLUSH_SECONDS)
        try:
            flush()
            if not recovered:
                recover()
                recovered = True
            if time.monotonic() - settled_at >= SETTLE_SECONDS:
                settle()
                settled_at = time.monotonic()
        except (LogUnavailable, DatabaseFault, OSError) as error:
            logger.warning("the journal must wait (%s)", type(error).__name__)
            connection.close_if_unusable_or_obsolete()
        except Tampered:
            _damaged()
        if ended:
            break
    connection.close()


def _damaged() -> None:
    """Somebody changed the journal under a living process: keep it for inspection and begin another."""
    global _journal
    with _file:
        if _journal is not None:
            alerts.raise_("journal", str(_journal.id), "A journal of deliveries was changed and does not open.")
            _journal.set_aside()
            _journal = None


def _after_fork() -> None:
    """What the parent noted and wrote is the parent's; holding its file open would hide its death."""
    global _memory, _file, _pending, _journal, _thread, _broken
    _memory, _file = threading.Lock(), threading.RLock()
    if _journal is not None:
        _journal.close()
    _pending, _journal, _thread, _broken = {}, None, None, False


os.register_at_fork(after_in_child=_after_fork)
atexit.register(stop)
pulse.witness("journal", well)
