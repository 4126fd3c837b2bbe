"""A bucket for the tests that want one, and a series that is on its way in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import pytest
from pydicom.dataset import Dataset

from archive import ingest, owed
from tests import builders
from tests.archive import buckets, seaweed
from tests.archive.owing import ahead


@dataclass(frozen=True)
class Place:
    """A bucket behind a proxy that fails on demand."""

    url: str
    endpoint: str
    proxy: buckets.Proxy

    @property
    def environment(self) -> dict[str, str]:
        return {"PACS_BLOB_URL": self.url, "PACS_S3_ENDPOINT": self.endpoint, "PACS_S3_REGION": "us-east-1"}


@pytest.fixture(scope="session")
def bucket_service() -> Iterator[int]:
    """The port of a service that speaks S3."""
    with buckets.service() as port:
        yield port


@pytest.fixture(scope="session")
def seaweed_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server of S3 that runs elsewhere in earnest."""
    with pytest.MonkeyPatch.context() as patched:
        credentials(patched)
        with seaweed.service(tmp_path_factory.mktemp("seaweed")) as port:
            yield port


@pytest.fixture
def bucket(bucket_service: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """An empty bucket, with credentials for it in the environment."""
    credentials(monkeypatch)
    with empty(bucket_service) as place:
        yield place


@pytest.fixture
def seaweed_bucket(seaweed_service: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The same on the real server."""
    credentials(monkeypatch)
    with empty(seaweed_service) as place:
        yield place


def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put them into the environment, where nothing else says whom to ask for what."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "KNOWNBUTUNSPOKEN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret-that-no-line-may-hold")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@contextmanager
def empty(service: int) -> Iterator[Place]:
    """A bucket with nothing in it, behind a proxy of its own."""
    name = f"custos-{token_hex(6)}"
    buckets.make(service, name)
    with buckets.proxy(service) as proxy:
        yield Place(f"s3:{name}/packs/of one".replace(" ", "-"), f"http://127.0.0.1:{proxy.port}", proxy)


@pytest.fixture
def series(modality: Any, actor_of: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Dataset]]:
    """Slices of one series of which the first is stored; what is answered ahead has no rows for a minute."""
    monkeypatch.setattr(owed, "SECONDS", 60.0)
    monkeypatch.setattr(owed, "REST_SECONDS", 60.0)
    made = builders.study(6)
    ahead(actor_of(modality), made[0]).result()
    yield made
    ingest.stop()
