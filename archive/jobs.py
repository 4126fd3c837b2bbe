"""The promise of background work: a row, written with its cause. Messages only wake workers; rows are the truth."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Thread
from uuid import UUID, uuid4

from celery import current_app
from django.db import Error as DatabaseFault
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from archive.models import Job
from audit import plain_models

TASK = "archive.work"
ATTEMPTS = 5
LEASE = timedelta(seconds=20)  # a worker that lives prolongs it (`kept`), a killed one's job is soon free again
KEEP = timedelta(days=7)
AGAIN = 15.0  # seconds until a message that nobody heeded is sent again
TIDY = 600.0  # seconds between two removals of what is long done
_FIRST_WAIT = timedelta(seconds=10)
_sent: dict[UUID, float] = {}
_tidied = 0.0


@dataclass(frozen=True, slots=True)
class Work:
    """What is promised: a kind of work on a subject (a row's id), not before `due_in` seconds from now."""

    kind: str
    subject: str
    due_in: float = 0.0


def promise(kind: str, subject: str, due_in: float = 0.0) -> None:
    """Promise one piece of work in the caller's transaction; a promise that is already due is not made twice."""
    promise_many([Work(kind, subject, due_in)])


def promise_many(work: Iterable[Work]) -> None:
    """Promise several pieces of work in the caller's transaction."""
    now = timezone.now()
    rows = [Job(kind=one.kind, subject=one.subject, due_at=now + timedelta(seconds=one.due_in)) for one in work]
    plain_models.insert(Job, rows, ignore=True)


def due(limit: int = 100) -> list[UUID]:
    """The jobs that nobody works on and that should be worked on, the longest due first."""
    return list(Job.objects.filter(_open()).order_by("due_at").values_list("id", flat=True)[:limit])


def _open() -> Q:
    now = timezone.now()
    return Q(state="due", due_at__lte=now) | Q(state="claimed", claimed_until__lt=now)


def claim(job_id: UUID, worker: str) -> Job | None:
    """Take one open job for the length of a lease; None when somebody else has it or it is not due."""
    taken = Job.objects.filter(_open(), id=job_id).update(
        state="claimed", claimed_by=worker, claimed_until=timezone.now() + LEASE, attempts=F("attempts") + 1
    )
    return Job.objects.get(id=job_id) if taken else None


def progress(job: Job, done: int, total: int) -> bool:
    """Note how far a claimed job is and prolong its lease; False when the claim was lost and work must end."""
    held = _mine(job).update(done=done, total=total, claimed_until=timezone.now() + LEASE)
    return bool(held)


@contextmanager
def kept(job: Job) -> Iterator[None]:
    """Prolong a claim as long as the block runs and its process lives, however long one step of the work takes."""
    ended = Event()
    keeper = Thread(target=_prolong, args=(job, ended), name="claim", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()


def _prolong(job: Job, ended: Event) -> None:
    while not ended.wait(LEASE.total_seconds() / 4):
        # A busy database is asked again in time; if it stays away, the claim ends, as it should.
        with suppress(DatabaseFault):
            _mine(job).update(claimed_until=timezone.now() + LEASE)
    connection.close()


def finish(job: Job) -> None:
    """Mark a claimed job done; nothing happens if the claim was lost meanwhile."""
    _mine(job).update(state="done", finished_at=timezone.now(), error="")


def fail(job: Job, words: str) -> None:
    """Give a claimed job back, to be tried later and later, and at last to stay failed with `words` for people."""
    if job.attempts >= ATTEMPTS:
        _mine(job).update(state="failed", finished_at=timezone.now(), error=words[:200])
        return
    wait = _FIRST_WAIT * 4 ** (job.attempts - 1)
    try:
        with transaction.atomic():
            _mine(job).update(state="due", due_at=timezone.now() + wait, error=words[:200])
    except IntegrityError:
        # The same work was promised anew meanwhile: that promise stands, this row is spent.
        _mine(job).update(state="done", finished_at=timezone.now(), error=words[:200])


def _mine(job: Job) -> QuerySet[Job]:
    """The claim, while this worker holds it."""
    return Job.objects.filter(id=job.id, state="claimed", claimed_by=job.claimed_by, attempts=job.attempts)


def tidy() -> None:
    """Remove what has been done for a week; what failed stays for people to see."""
    Job.objects.filter(state="done", finished_at__lt=timezone.now() - KEEP).delete()


def worker_name() -> str:
    """A name for one run of one worker, so that a claim is never mistaken for another's."""
    return uuid4().hex


def tick() -> int:
    """Wake workers for what is due and unclaimed; call it about once a second. Returns how many messages went out.

    A message that was sent is not sent again for a while, so that a long queue does not grow longer.
    """
    global _tidied
    now = time.monotonic()
    for job_id in [job_id for job_id, moment in _sent.items() if moment + AGAIN < now]:
        del _sent[job_id]
    waiting = [job_id for job_id in due(limit=500) if job_id not in _sent]
    for job_id in waiting:
        current_app.send_task(TASK, [str(job_id)], ignore_result=True, retry=False)
        _sent[job_id] = now
    if now - _tidied > TIDY:
        tidy()
        _tidied = now
    return len(waiting)


def forget() -> None:
    """Drop what this process remembers of messages sent."""
    _sent.clear()
