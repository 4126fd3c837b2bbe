"""Promises of work survive lost messages, dead workers and failing handlers, and are kept once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from archive import jobs, tasks
from archive.errors import Unavailable, Unsuitable
from archive.models import Job

pytestmark = pytest.mark.both_databases
Progress = Callable[[int, int], None]
done: list[str] = []


def handler(subject: str, progress: Progress) -> None:
    """A handler of the tests: does what its subject says."""
    progress(1, 2)
    if subject.startswith("fail"):
        raise Unsuitable("This cannot be done.")
    if subject.startswith("break"):
        raise ZeroDivisionError("a value of a patient")
    done.append(subject)
    progress(2, 2)


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch, installation: Any) -> None:
    monkeypatch.setitem(tasks.HANDLERS, "test", f"{__name__}.handler")
    done.clear()


def promised(subject: str, due_in: float = 0.0) -> Job:
    jobs.promise("test", subject, due_in)
    return Job.objects.get(subject=subject, state="due")


def test_a_promise_that_is_rolled_back_was_never_made() -> None:
    with transaction.atomic():
        jobs.promise("test", "x")
        transaction.set_rollback(True)
    assert not Job.objects.exists()


def test_the_same_promise_twice_is_one_until_it_runs() -> None:
    first = promised("x")
    jobs.promise("test", "x")
    assert Job.objects.count() == 1
    assert jobs.claim(first.id, "worker") is not None
    # What comes while it runs is promised anew.
    jobs.promise("test", "x")
    assert Job.objects.filter(state="due").count() == 1


def test_one_of_many_workers_gets_the_job() -> None:
    job = promised("x")

    def claim(number: int) -> bool:
        try:
            return jobs.claim(job.id, f"worker {number}") is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1


def test_work_is_done_once_and_says_how_far_it_is() -> None:
    job = promised("x")
    assert tasks.run(job.id)
    assert not tasks.run(job.id)
    job.refresh_from_db()
    assert (done, job.state, job.done, job.total) == (["x"], "done", 2, 2)


def test_work_is_not_begun_before_its_time() -> None:
    job = promised("x", due_in=60)
    assert jobs.due() == []
    assert not tasks.run(job.id)


def test_progress_is_written_when_it_can_be_seen_and_a_lost_claim_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    job = promised("x")
    taken = jobs.claim(job.id, "worker")
    assert taken is not None
    now, written = [100.0], list[int]()
    progress = jobs.progress

    def writing(job: Job, done: int, total: int) -> bool:
        written.append(done)
        return progress(job, done, total)

    monkeypatch.setattr("archive.tasks.monotonic", lambda: now[0])
    monkeypatch.setattr(jobs, "progress", writing)
    tell = tasks._teller(taken)
    for done in range(1, 10):
        now[0] += 0.25
        tell(done, 10)
    tell(10, 10)
    assert written == [1, 5, 9, 10]
    Job.objects.filter(id=job.id).update(claimed_by="another")
    now[0] += 2
    with pytest.raises(Unavailable):
        tell(5, 10)


@pytest.mark.parametrize(("subject", "words"), [("fail", "This cannot be done."), ("break", "ZeroDivisionError")])
def test_failing_work_is_tried_later_and_later_and_then_left_for_people(subject: str, words: str) -> None:
    job = promised(subject)
    waits = []
    for _ in range(jobs.ATTEMPTS):
        Job.objects.filter(id=job.id).update(due_at=timezone.now() - timedelta(seconds=1))
        assert tasks.run(job.id)
        job.refresh_from_db()
        waits.append(job.due_at)
    assert waits[:-1] == sorted(waits[:-1])
    assert (job.state, words in job.error, job.attempts) == ("failed", True, jobs.ATTEMPTS)
    assert "patient" not in job.error
    assert not tasks.run(job.id)


def test_a_dead_worker_loses_its_claim_and_cannot_finish_late() -> None:
    job = promised("x")
    lost = jobs.claim(job.id, "dead")
    assert lost is not None
    assert not tasks.run(job.id)
    Job.objects.filter(id=job.id).update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert jobs.due() == [job.id]
    taken = jobs.claim(job.id, "alive")
    assert taken is not None
    jobs.finish(lost)
    assert not jobs.progress(lost, 1, 1)
    assert Job.objects.get(id=job.id).state == "claimed"
    jobs.finish(taken)
    assert Job.objects.get(id=job.id).state == "done"


def test_given_back_work_yields_to_a_newer_promise() -> None:
    job = promised("x")
    taken = jobs.claim(job.id, "worker")
    assert taken is not None
    jobs.promise("test", "x")
    jobs.fail(taken, "no")
    assert Job.objects.get(id=job.id).state == "done"
    assert Job.objects.filter(state="due").count() == 1


def test_a_kind_that_nobody_knows_fails_in_words() -> None:
    jobs.promise("unknown", "x")
    job = Job.objects.get()
    assert tasks.run(job.id)
    job.refresh_from_db()
    assert "does not know" in job.error


def test_messages_carry_ids_only_and_lost_ones_are_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from pacs.celery import app

    sent: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(app, "send_task", lambda name, args, **_: sent.append((name, args)))
    monkeypatch.setattr(jobs, "_sent", {})
    job = promised("x")
    assert jobs.tick() == 1
    assert sent == [("archive.work", [str(job.id)])]
    assert jobs.tick() == 0, "not again at once"
    monkeypatch.setattr(jobs, "AGAIN", -1.0)
    assert jobs.tick() == 1, "but again when nobody heeded it"


def test_what_was_done_long_ago_is_tidied_away_and_failures_stay() -> None:
    past = timezone.now() - jobs.KEEP - timedelta(hours=1)
    for state in ("done", "failed"):
        Job.objects.create(kind="test", subject=state, state=state, due_at=past, finished_at=past)
    jobs.tidy()
    assert [job.state for job in Job.objects.all()] == ["failed"]
    assert jobs.claim(uuid4(), "worker") is None
