"""Celery: a message wakes a worker, which claims the job's row, does the work, and writes down how it went."""

import logging
from collections.abc import Callable
from time import monotonic
from typing import Final
from uuid import UUID

from celery import shared_task
from django.db import Error as AnyDatabaseError
from django.db import close_old_connections
from django.utils.module_loading import import_string

from accounts.errors import Refused
from archive import jobs
from archive.errors import ArchiveError, Unavailable
from archive.models import Job
from audit.errors import AuditError

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
Handler = Callable[[str, Progress], None]

TOLD_EVERY_SECONDS: Final = 1.0
"""Each word of progress is a write that senders wait behind."""

# Kind of job -> who does it: called with the job's subject and a function to tell progress with.
HANDLERS: dict[str, str] = {
    "compare": "archive.newcomers.compare",
    "preview": "archive.derive.preview",
    "metadata": "archive.derive.metadata",
    "digest": "archive.derive.digest",
    "destroy": "archive.destruction.finish",
    "retire": "archive.keeping.retiring.retire",
    "reindex": "archive.tending.retokening.again",
    "verify": "archive.nightly.verify",
    "physician": "archive.physicians.apply",
    "discard": "archive.tending.discarding.discard",
}


@shared_task(name=jobs.TASK, ignore_result=True)  # type: ignore[untyped-decorator]
def work(job_id: str) -> None:
    """Do one job, if it is still to be done and nobody else does it."""
    close_old_connections()
    try:
        run(UUID(job_id))
    finally:
        close_old_connections()


def run(job_id: UUID) -> bool:
    """Claim and do one job in this process; False when there was nothing to claim."""
    job = jobs.claim(job_id, jobs.worker_name())
    if job is None:
        return False
    try:
        with jobs.kept(job):
            _handler(job.kind)(job.subject, _teller(job))
    except (ArchiveError, Refused, AuditError) as error:
        jobs.fail(job, str(error) or "The archive refused this work.")
    except AnyDatabaseError:
        jobs.fail(job, "The database could not be reached or was busy.")
    except Exception as error:  # noqa: BLE001 - whatever a handler raises, the job must be given back
        logger.error("a job of kind %s failed: %s", job.kind, type(error).__name__)
        jobs.fail(job, f"Something unexpected went wrong ({type(error).__name__}); the log of the worker says where.")
    else:
        jobs.finish(job)
    return True


def _teller(job: Job) -> Progress:
    """What a handler tells its progress to, as often as it likes: what nobody could see in time is not written."""
    next_at = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal next_at
        if monotonic() < next_at and done < total:
            return
        if not jobs.progress(job, done, total):
            raise Unavailable("Another worker has taken this work over.")
        next_at = monotonic() + TOLD_EVERY_SECONDS

    return tell


def _handler(kind: str) -> Handler:
    if kind not in HANDLERS:
        raise Unavailable("This version does not know this kind of work.")
    handler: Handler = import_string(HANDLERS[kind])
    return handler
