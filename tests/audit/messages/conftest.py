"""A collector, the archive pointed at it, and the sender in a thread of the test."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from audit.messages import cursor, sender
from tests.audit.messages import authority
from tests.audit.messages.collector import Collector
from tests.conftest import Installation


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    folder = tmp_path / "certificates"
    authority.make(folder)
    return folder


@pytest.fixture
def point(settings: Settings, certificates: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Point the archive at a destination, with short waits."""
    monkeypatch.setattr(sender, "CONNECTION_SECONDS", 1.0)
    monkeypatch.setattr(sender, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(sender, "LONGEST_PAUSE", 0.5)

    def at(url: str) -> None:
        settings.PACS_SYSLOG_URL = url
        settings.PACS_SYSLOG_CA = str(certificates / "ca.pem")
        settings.PACS_SYSLOG_CERT = str(certificates / "archive.pem")
        settings.PACS_SYSLOG_KEY = str(certificates / "archive.key")

    return at


@pytest.fixture
def collector(tmp_path: Path, certificates: Path, installation: Installation) -> Iterator[Collector]:
    one = Collector(tmp_path / "collector", certificates)
    one.start()
    yield one
    one.kill()


@pytest.fixture
def sending(installation: Installation) -> Iterator[Callable[[], None]]:
    """Start the sender; it ends with the test."""
    ended, threads = threading.Event(), list[threading.Thread]()

    def go() -> None:
        thread = sender.start(ended)
        assert thread is not None
        threads.append(thread)

    yield go
    ended.set()
    for thread in threads:
        thread.join(15)
        assert not thread.is_alive()


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something holds; fail when it does not."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def settled(url: str) -> bool:
    """Whether everything there is is known to be safe."""
    return cursor.of(url) == cursor.head()
