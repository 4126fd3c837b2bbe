"""What the health check of a container asks of the machine it runs on."""

import socket
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from pacs import ready


@pytest.fixture
def door(settings: Any) -> Iterator[socket.socket]:
    """The DICOM port, open, and nobody takes who connects."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        settings.PACS_BIND, settings.PACS_DICOM_PORT = "127.0.0.1", sock.getsockname()[1]
        yield sock


def test_an_open_dicom_port_at_which_nobody_receives_is_no_health(
    door: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready, "SECONDS", 0.3)
    assert ready.dimse_trouble() == "the DICOM port does not answer (TimeoutError)"


def test_a_dicom_port_is_healthy_where_who_says_nothing_is_hung_up_on(door: socket.socket) -> None:
    Thread(target=lambda: door.accept()[0].close()).start()
    assert ready.dimse_trouble() is None


def test_a_closed_dicom_port_is_no_health(door: socket.socket) -> None:
    door.close()
    assert ready.dimse_trouble() == "the DICOM port does not answer (ConnectionRefusedError)"
