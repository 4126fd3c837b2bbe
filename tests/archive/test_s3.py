"""A bucket behind a bad line: nothing is acknowledged that is not kept, nothing is read that was not stored."""

import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from archive import ingest, packs, retrieve, stores
from archive.errors import Unavailable
from archive.models import Instance, Pack
from archive.s3 import Bucket
from audit import s3
from pacs import checks
from tests import builders
from tests.archive import buckets
from tests.archive.conftest import Place
from tests.archive.outflow.handling import whole
from tests.archive.test_durability import acknowledged, begin
from tests.archive.test_stores import names
from tests.conftest import Installation

Actors = Callable[[Any], Any]
SIZES = (1000, 3_000_000)


@pytest.fixture
def store(bucket: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """The bucket, with little patience."""
    monkeypatch.setattr(s3, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(s3, "CONNECT_SECONDS", 1.0)
    made = Bucket(bucket.url, bucket.endpoint, "us-east-1", tmp_path)
    yield made
    made.close()


def put(store: Bucket, data: bytes, name: str = "") -> str:
    one = name or stores.pack_name(uuid4(), "0123456789abcdef", 1)
    sink = store.create(one)
    sink.write(data)
    sink.flush()
    return one


def read(store: Bucket, name: str) -> bytes:
    return store.open(name).read(0, 1 << 30)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fault", ["busy", "late", "cut-body", "lost-answer", "silent"])
def test_a_put_that_meets_a_fault_once_is_stored_once(store: Bucket, bucket: Place, fault: str, size: int) -> None:
    data = os.urandom(size)
    bucket.proxy.fail("PUT", fault)
    name = put(store, data)
    assert not bucket.proxy.plan, "the fault was met"
    assert read(store, name) == data
    assert names(store) == [name]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fault", ["busy", "denied", "cut-body", "silent"])
def test_a_put_that_never_succeeds_fails_soon_and_leaves_nothing(
    store: Bucket, bucket: Place, fault: str, size: int
) -> None:
    bucket.proxy.fail("PUT", fault, 50)
    began = time.monotonic()
    with pytest.raises(OSError, match="did not take"):
        put(store, os.urandom(size))
    assert time.monotonic() - began < 20
    assert 1 <= bucket.proxy.seen.count("PUT") <= s3.ATTEMPTS
    assert names(store) == []


def test_a_bucket_that_takes_bytes_drop_by_drop_is_given_up(
    store: Bucket, bucket: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.s3.SENDING_SECONDS", -59.5)  # with sixty MiB, half a second
    bucket.proxy.fail("PUT", "trickle", 50)
    began = time.monotonic()
    with pytest.raises(OSError, match="did not take"):
        put(store, os.urandom(60 << 20))
    assert time.monotonic() - began < 12


@pytest.mark.parametrize("size", SIZES)
def test_bytes_that_arrive_changed_are_no_success(store: Bucket, bucket: Place, size: int) -> None:
    bucket.proxy.fail("PUT", "flip", 3)
    with pytest.raises(OSError, match=r"something else|did not take"):
        put(store, os.urandom(size))


def test_an_acknowledgement_that_shows_no_digest_is_proved_by_reading_back(
    store: Bucket, bucket: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.s3._shown", lambda answer, md5, checksum: False)
    data = os.urandom(20_000_000)
    name = put(store, data)
    assert bucket.proxy.seen.count("GET") == 3
    assert read(store, name) == data


@pytest.mark.parametrize("fault", ["busy", "late", "cut-answer", "lost-answer", "silent"])
def test_a_get_that_meets_a_fault_once_returns_the_bytes(store: Bucket, bucket: Place, fault: str) -> None:
    data = os.urandom(500_000)
    name = put(store, data)
    bucket.proxy.fail("GET", fault)
    assert store.open(name).read(1000, 400_000) == data[1000:401_000]
    assert not bucket.proxy.plan


@pytest.mark.parametrize("fault", ["busy", "denied", "cut-answer", "lost-answer", "no-range", "silent"])
def test_a_get_that_never_succeeds_gives_no_bytes_and_calls_nothing_damaged(
    store: Bucket, bucket: Place, fault: str
) -> None:
    name = put(store, os.urandom(500_000))
    bucket.proxy.fail("GET", fault, 50)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        store.open(name).read(1000, 400_000)
    assert bucket.proxy.seen.count("GET") <= s3.ATTEMPTS, "nobody's patience is multiplied by another's"
    assert time.monotonic() - began < 8


def test_a_listing_or_a_removal_that_fails_is_said(store: Bucket, bucket: Place) -> None:
    name = put(store, b"x")
    bucket.proxy.fail("GET", "busy", 3)
    with pytest.raises(Unavailable):
        names(store)
    bucket.proxy.fail("DELETE", "denied")
    with pytest.raises(Unavailable):
        store.remove(name)
    assert names(store) == [name]


def test_a_server_that_does_not_know_the_signature_takes_and_gives_nothing(
    seaweed_bucket: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Bucket(seaweed_bucket.url, seaweed_bucket.endpoint, "us-east-1", tmp_path)
    name = put(known, b"a pack")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another secret")
    stranger = Bucket(seaweed_bucket.url, seaweed_bucket.endpoint, "us-east-1", tmp_path)
    with pytest.raises(OSError, match="did not take"):
        put(stranger, b"another")
    with pytest.raises(Unavailable):
        read(stranger, name)
    with pytest.raises(Unavailable):
        stranger.remove(name)
    assert [one.name for one in known.lying()] == [name]
    assert read(known, name) == b"a pack"
    known.close()
    stranger.close()


def test_small_reads_of_one_record_share_a_request(store: Bucket, bucket: Place) -> None:
    data = os.urandom(200_000)
    source = store.open(put(store, data))
    assert b"".join(source.read(at, 1000) for at in range(0, 200_000, 1000)) == data
    assert bucket.proxy.seen.count("GET") == 1


def test_nothing_of_credentials_is_logged(store: Bucket, bucket: Place) -> None:
    program = (
        "import django; django.setup()\n"
        "from archive import packs\nfrom archive.errors import Unavailable\nfrom uuid import uuid4\n"
        "try:\n    packs.flush([packs.append(uuid4(), b'h', b'x')])\n"
        "except Unavailable as error:\n    print(error)\n"
    )
    bucket.proxy.fail("PUT", "denied", 5)
    environ = {**os.environ, **bucket.environment, "DJANGO_SETTINGS_MODULE": "pacs.settings"}
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60)
    assert done.stdout == "The object could not be made durable: Input/output error.\n", done.stderr
    assert "AccessDenied" in done.stderr
    for secret in ("KNOWNBUTUNSPOKEN", "the-secret-that"):
        assert secret not in done.stderr
    assert logging.getLogger("archive.s3").handlers == []


@dataclass(frozen=True)
class OnBucket(Installation):
    """An installation whose packs are kept in a bucket."""

    place: Place | None = None

    @property
    def environment(self) -> dict[str, str]:
        assert self.place is not None
        return {**super().environment, **self.place.environment}


@pytest.fixture
def on_bucket(installation: Installation, bucket: Place, settings: Any) -> Iterator[OnBucket]:
    """The installation of this process, its packs in the bucket."""
    settings.PACS_BLOB_URL, settings.PACS_S3_ENDPOINT, settings.PACS_S3_REGION = bucket.environment.values()
    packs.forget()
    yield OnBucket(installation.root, installation.database_url, bucket)
    ingest.stop()
    packs.forget()


def wipe(place: Installation) -> None:
    """Lose a node's disk; of an embedded database only its own files stay."""
    for path in place.data.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif not path.name.startswith("index.sqlite3"):
            path.unlink()


@pytest.mark.both_databases
def test_a_node_lost_right_after_success_costs_nothing(
    on_bucket: OnBucket, modality: Any, radiologist: Any, actor_of: Actors
) -> None:
    slices = [ds for _ in range(3) for ds in builders.study(6)]
    sent = {str(ds.SOPInstanceUID): builders.part10(ds) for ds in slices}
    process = begin(on_bucket, list(sent.values()), threads=4)
    said = [process.stdout.readline().decode().split()[1] for _ in range(7)]
    process.kill()
    said += [uid for _, uid in acknowledged(process)]
    wipe(on_bucket)
    assert len(said) >= 7
    rows = {row.uid: row for row in Instance.objects.select_related("series", "study")}
    for uid in said:
        row = rows[uid]
        back = whole(retrieve.instances(actor_of(radiologist), row.study.uid, row.series.uid, uid))
        assert back == [sent[uid]]
    assert not list(on_bucket.root.rglob("*.pack"))


def test_no_success_is_spoken_while_the_bucket_does_not_take_it(
    on_bucket: OnBucket, modality: Any, radiologist: Any, actor_of: Actors
) -> None:
    ds = builders.ct_slice()
    on_bucket_proxy = on_bucket.place.proxy if on_bucket.place else None
    assert on_bucket_proxy is not None
    on_bucket_proxy.fail("PUT", "busy", s3.ATTEMPTS)
    with pytest.raises(Unavailable):
        ingest.store(actor_of(modality), builders.part10(ds))
    assert (Instance.objects.count(), Pack.objects.count()) == (0, 0)
    assert ingest.store(actor_of(modality), builders.part10(ds)).status == "stored"
    (back,) = whole(retrieve.instances(actor_of(radiologist), str(ds.StudyInstanceUID)))
    assert back == builders.part10(ds)


def found(url: str, endpoint: str, data: Path) -> dict[str, str]:
    conf = SimpleNamespace(PACS_BLOB_URL=url, PACS_S3_ENDPOINT=endpoint, PACS_S3_REGION="us-east-1", PACS_DATA_DIR=data)
    return {str(one.id): one.msg for one in checks.findings(conf, (checks.bucket,))}


def test_a_bucket_that_answers_passes_the_start(bucket: Place, tmp_path: Path) -> None:
    assert found(bucket.url, bucket.endpoint, tmp_path) == {}
    assert found(bucket.url.replace("s3:", "s3://"), bucket.endpoint, tmp_path) == {}
    assert found("file:/somewhere", "nonsense", tmp_path) == {}


@pytest.mark.parametrize(
    "url", ["s3:", "s3:A", "s3:Big-Letters", "s3:bucket/../x", "s3:bu cket", "s3:bucket//x", "s3:x/y"]
)
def test_a_malformed_place_is_refused_by_its_setting(bucket: Place, tmp_path: Path, url: str) -> None:
    (words,) = found(url, bucket.endpoint, tmp_path).items()
    assert words[0] == "custos.E031"
    assert "PACS_BLOB_URL" in words[1]
    assert bucket.proxy.seen == []


@pytest.mark.parametrize(
    "endpoint", ["http://s3.example.org", "s3.example.org", "https://", "https://h:port", "https://u:p@h", "ftp://h"]
)
def test_an_address_that_is_malformed_or_unencrypted_is_refused_by_its_setting(tmp_path: Path, endpoint: str) -> None:
    (words,) = found("s3:bucket", endpoint, tmp_path).items()
    assert words[0] == "custos.E032"
    assert "PACS_S3_ENDPOINT" in words[1]


@pytest.mark.parametrize("state", ["no such bucket", "denied", "nobody there", "no credentials"])
def test_a_bucket_that_does_not_answer_is_refused_by_its_setting(
    bucket: Place, tmp_path: Path, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "CONNECT_SECONDS", 0.5)
    url = "s3:custos-nowhere" if state == "no such bucket" else bucket.url
    endpoint = f"http://127.0.0.1:{buckets.free_port()}" if state == "nobody there" else bucket.endpoint
    if state == "denied":
        bucket.proxy.fail("GET", "denied")
    if state == "no credentials":
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    (words,) = found(url, endpoint, tmp_path).items()
    assert words[0] == "custos.E033"
    assert "PACS_BLOB_URL" in words[1]
