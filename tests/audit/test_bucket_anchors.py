"""A bucket under object lock as an anchor: takes every checkpoint once, in order, and gives none of them up."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from django.db import connection

from audit import anchors, checkpoints, log, s3, verify
from audit.anchoring.buckets import Bucket
from audit.events import Event
from audit.models import Alert, Checkpoint
from pacs import checks
from tests.archive import buckets
from tests.archive.conftest import credentials
from tests.audit.conftest import Unguarded
from tests.conftest import Installation

Make = Callable[..., Event]
COMPLIANCE = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 3650}}}
MD5_OF_ANOTHER = b64encode(hashlib.md5(b"another").digest()).decode()
GOVERNANCE = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3650}}}


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with buckets.service() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def client(service: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Whoever owns the bucket, with every right over it."""
    credentials(monkeypatch)
    made = s3.connect(service, "us-east-1")
    yield made
    made.close()


@pytest.fixture
def make(client: Any) -> Callable[[dict[str, Any] | None], str]:
    """Make a bucket under this lock (None: without one); return its name."""

    def made(lock: dict[str, Any] | None) -> str:
        name = f"anchor-{uuid4().hex[:12]}"
        client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock is not None)
        if lock is not None:
            client.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=lock)
        return name

    return made


@pytest.fixture
def anchored(
    installation: Installation, make: Callable[[dict[str, Any] | None], str], service: str, settings: Any
) -> Iterator[str]:
    """An installation whose one anchor is a locked bucket; returns the bucket's name."""
    name = make(COMPLIANCE)
    settings.PACS_ANCHORS = (f"s3:{name}/of/one",)
    settings.PACS_ANCHOR_S3_ENDPOINT, settings.PACS_ANCHOR_S3_REGION = service, "us-east-1"
    anchors.forget()
    yield name
    anchors.forget()


def signed(event: Make, times: int) -> None:
    for number in range(times):
        log.commit([event(count=number)])
        assert checkpoints.sign_due(at_once=True)


def held() -> list[str]:
    anchors.forget()
    (place,) = anchors.places()
    return list(place.notes(checkpoints.origin(1), place.extent(checkpoints.origin(1))))


def test_every_checkpoint_is_kept_once_and_in_order(anchored: str, event: Make, client: Any) -> None:
    signed(event, 5)
    assert held() == list(Checkpoint.objects.order_by("size").values_list("note", flat=True))
    keys = [one["Key"] for one in client.list_objects_v2(Bucket=anchored)["Contents"]]
    folder = f"of/one/{checkpoints.origin(1).replace('/', '-')}/000000/"
    assert keys == [f"{folder}{number:012d}" for number in range(1, 6)]
    assert not Alert.objects.exists()
    assert verify.run().code == 0


def test_a_cut_tail_is_found_against_it(anchored: str, event: Make, unguarded: Unguarded) -> None:
    signed(event, 4)
    with unguarded(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_event WHERE seq > (SELECT max(seq) - 2 FROM audit_event)")
        cursor.execute("DELETE FROM audit_checkpoint WHERE size > (SELECT max(seq) FROM audit_event)")
    anchors.forget()
    assert verify.run().code == 2


def test_nobody_removes_or_replaces_a_note_before_its_time(anchored: str, event: Make, client: Any) -> None:
    signed(event, 1)
    before = held()
    (version,) = client.list_object_versions(Bucket=anchored)["Versions"]
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(
            Bucket=anchored, Key=version["Key"], VersionId=version["VersionId"], BypassGovernanceRetention=True
        )
    with pytest.raises(ClientError, match="PreconditionFailed"):
        client.put_object(
            Bucket=anchored, Key=version["Key"], Body=b"another", IfNoneMatch="*", ContentMD5=MD5_OF_ANOTHER
        )
    assert held() == before


@pytest.mark.parametrize("lock", [None, GOVERNANCE, {"ObjectLockEnabled": "Enabled"}])
def test_a_bucket_that_lets_go_of_notes_is_no_anchor(
    anchored: str,
    event: Make,
    client: Any,
    make: Callable[[dict[str, Any] | None], str],
    lock: dict[str, Any] | None,
    settings: Any,
) -> None:
    name = make(lock)
    settings.PACS_ANCHORS = (f"s3:{name}",)
    signed(event, 1)
    alert = Alert.objects.get(kind="anchor")
    assert "COMPLIANCE" in alert.message
    assert "Contents" not in client.list_objects_v2(Bucket=name)


def test_what_two_processes_add_at_once_is_all_there(anchored: str, service: str, client: Any) -> None:
    one, other = (Bucket(f"s3:{anchored}/race", service, "us-east-1", "") for _ in range(2))
    notes = [f"custos/race\n{number}\n\n\N{EM DASH} custos/race AAAA\n" for number in range(12)]
    assert one.extent("custos/race") == other.extent("custos/race") == 0
    for number, note in enumerate(notes):
        # Each believes to know where the end is, and one of them is wrong every time.
        (one, other)[number % 2].append("custos/race", note)
    fresh = Bucket(f"s3:{anchored}/race", service, "us-east-1", "")
    assert fresh.extent("custos/race") == len(notes)
    assert list(fresh.notes("custos/race", len(notes))) == notes
    assert fresh.newest("custos/race") == notes[-1]


def test_numbers_go_on_beyond_a_thousand(anchored: str, service: str, client: Any) -> None:
    prefix = "far/custos-x/"
    note = "custos/x\n1\n\n\N{EM DASH} custos/x AAAA\n"
    for number in (998, 999, 1000):
        client.put_object(
            Bucket=anchored,
            Key=f"{prefix}{number // 1000:06d}/{number:012d}",
            Body=(note + "\n").encode(),
            ContentMD5=b64encode(hashlib.md5((note + "\n").encode()).digest()).decode(),
        )
    place = Bucket(f"s3:{anchored}/far", service, "us-east-1", "")
    place.append("custos/x", note.replace("\n1\n", "\n2\n"))
    assert client.get_object(Bucket=anchored, Key=f"{prefix}000001/{1001:012d}")
    assert place.newest("custos/x") == note.replace("\n1\n", "\n2\n")


def test_a_missing_note_leaves_the_record_unverified(anchored: str, event: Make, client: Any) -> None:
    signed(event, 3)
    second = client.list_objects_v2(Bucket=anchored)["Contents"][1]["Key"]
    client.delete_object(Bucket=anchored, Key=second)  # hides it behind a marker; its version stays under lock
    anchors.forget()
    with pytest.raises(anchors.AnchorError, match="NoSuchKey"):
        verify.run()


def test_a_silent_service_is_told_and_caught_up(
    anchored: str, event: Make, service: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "CONNECT_SECONDS", 0.5)
    settings.PACS_ANCHOR_S3_ENDPOINT = f"http://127.0.0.1:{buckets.free_port()}"
    signed(event, 2)
    assert Alert.objects.get(kind="anchor").times >= 2
    settings.PACS_ANCHOR_S3_ENDPOINT = service
    assert not checkpoints.sign_due()
    assert held() == list(Checkpoint.objects.order_by("size").values_list("note", flat=True))


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"PACS_ANCHORS": ("s3:..",)}, "E038"),
        ({"PACS_ANCHORS": ("s3:same/anchors",), "PACS_BLOB_URL": "s3://same/packs"}, "E039"),
        ({"PACS_ANCHORS": ("s3:one",), "PACS_ANCHOR_S3_ENDPOINT": "http://s3.example.org"}, "E037"),
    ],
)
def test_a_bucket_that_cannot_be_an_anchor_is_refused_at_start(settings: Any, given: dict[str, Any], code: str) -> None:
    for name, value in given.items():
        setattr(settings, name, value)
    assert [found[0] for found in checks.anchors(settings)] == [code]
