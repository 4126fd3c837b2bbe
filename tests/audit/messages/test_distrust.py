"""A collector that is not who it should be, or never reads, gets nothing that counts and stops nobody."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from audit import log
from audit.events import Event
from audit.messages import cursor, sender, watch
from audit.models import Alert
from tests.audit.messages import authority
from tests.audit.messages.collector import Collector
from tests.audit.messages.conftest import until
from tests.conftest import Installation

pytestmark = [pytest.mark.rsyslog]
Make = Callable[..., Event]


@pytest.mark.parametrize("wrong", ["authority", "name"])
def test_nothing_is_sent_to_a_collector_that_does_not_prove_itself(
    wrong: str,
    installation: Installation,
    tmp_path: Path,
    point: Callable[[str], None],
    sending: Callable[[], None],
    settings: Settings,
    event: Make,
) -> None:
    others = tmp_path / "others"
    authority.make(others, collector="collector.example.org" if wrong == "name" else "127.0.0.1")
    known = Collector(tmp_path / "collector", others)
    known.start()
    try:
        point(known.url)
        if wrong == "name":
            settings.PACS_SYSLOG_CA = str(others / "ca.pem")
            settings.PACS_SYSLOG_CERT, settings.PACS_SYSLOG_KEY = (
                str(others / "archive.pem"),
                str(others / "archive.key"),
            )
        cursor.rewind(known.url)
        log.commit([event()])
        sending()
        until(lambda: Alert.objects.filter(kind="syslog", subject=known.url, seen_at=None).exists())
        time.sleep(1.5)
        assert known.lines() == []
        assert cursor.of(known.url) == cursor.BEGINNING
    finally:
        known.kill()


@pytest.mark.parametrize("rows", [1, 300])
def test_a_collector_that_does_not_know_the_archive_gets_nothing_and_the_cursor_stays(
    rows: int,
    collector: Collector,
    point: Callable[[str], None],
    sending: Callable[[], None],
    settings: Settings,
    event: Make,
) -> None:
    """In TLS 1.3 a client learns of its refusal after it has written: what was written then counts as nothing."""
    point(collector.url)
    settings.PACS_SYSLOG_CERT = settings.PACS_SYSLOG_KEY = ""
    cursor.rewind(collector.url)
    log.commit([event() for _ in range(rows)])
    sending()
    time.sleep(4)
    assert collector.rows() == set()
    assert cursor.of(collector.url) == cursor.BEGINNING


class Deaf:
    """A collector that shakes hands and never reads."""

    def __init__(self, certificates: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificates / "collector.pem", certificates / "collector.key")
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._held: list[socket.socket] = []
        self.url = f"tls://127.0.0.1:{self._listening.getsockname()[1]}"
        self.met = threading.Event()
        self._thread = threading.Thread(target=self._meet, daemon=True)
        self._thread.start()

    def _meet(self) -> None:
        while True:
            try:
                peer, _ = self._listening.accept()
                self._held.append(self._context.wrap_socket(peer, server_side=True))
            except OSError:
                return
            self.met.set()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listening.close()
        for one in self._held:
            one.close()


@pytest.fixture
def deaf(certificates: Path) -> "Callable[[], Deaf]":
    return lambda: Deaf(certificates)


@pytest.mark.both_databases
def test_a_collector_that_never_reads_stops_nobody_and_raises_an_alert(
    installation: Installation,
    deaf: Callable[[], Deaf],
    point: Callable[[str], None],
    sending: Callable[[], None],
    event: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "STALL_SECONDS", 2.0)
    one = deaf()
    point(one.url)
    pace = _pace(event)
    cursor.rewind(one.url)
    sending()
    assert one.met.wait(10)
    slow = _pace(event, 200)
    until(lambda: Alert.objects.filter(kind="syslog", subject=one.url, seen_at=None).exists(), 30)
    assert slow < 5 * pace + 0.05
    assert cursor.of(one.url) != cursor.head()
    one.close()


def test_what_a_collector_took_and_never_read_counts_as_not_told(
    installation: Installation,
    deaf: Callable[[], Deaf],
    point: Callable[[str], None],
    sending: Callable[[], None],
    event: Make,
) -> None:
    """Its machine has acknowledged every byte, and yet they are gone with the program."""
    one = deaf()
    point(one.url)
    cursor.rewind(one.url)
    log.commit([event()])
    sending()
    assert one.met.wait(10)
    time.sleep(3)
    one.close()
    time.sleep(2)
    assert cursor.of(one.url) == cursor.BEGINNING


def _pace(event: Make, times: int = 50) -> float:
    """Seconds for one commit of twenty events."""
    began = time.monotonic()
    for _ in range(times):
        log.commit([event(listed=tuple(f"1.2.{at}" for at in range(20))) for _ in range(20)])
    return (time.monotonic() - began) / times


def test_the_alert_settles_when_the_collector_is_back(
    collector: Collector,
    point: Callable[[str], None],
    sending: Callable[[], None],
    event: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "STALL_SECONDS", 1.0)
    point(collector.url)
    sending()
    until(lambda: cursor.of(collector.url) is not None)
    collector.kill()
    log.commit([event()])
    until(lambda: Alert.objects.filter(kind="syslog", seen_at=None).exists())
    collector.start()
    until(lambda: Alert.objects.filter(kind="syslog", seen_by="syslog").exists())
    assert not Alert.objects.filter(kind="syslog", seen_at=None).exists()


def test_pauses_grow_and_are_never_the_same_for_all() -> None:
    assert all(0.5 <= sender.pause(0) <= 1.0 for _ in range(50))
    assert all(30.0 <= sender.pause(40) <= 60.0 for _ in range(50))
    assert len({sender.pause(3) for _ in range(20)}) > 1
