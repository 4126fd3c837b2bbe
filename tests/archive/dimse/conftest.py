"""A DICOM listener of ours on a free loopback port, and what peers do with it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts import enrolment
from accounts.models import Device
from archive import ingest
from archive.dimse import secure
from archive.dimse.crowd import Crowd
from archive.dimse.server import Server
from keystore import authority
from pacs import tls
from tests.archive.dimse.secured import Shown, laid
from tests.conftest import REQUIRED, Installation
from tests.services import absent


@pytest.fixture
def scp(installation: Installation) -> Iterator[Server]:
    """A running listener on the test's own archive."""
    server = Server("127.0.0.1", 0).start()
    yield server
    server.stop(2.0)
    ingest.stop()


@pytest.fixture
def small_scp(installation: Installation) -> Iterator[Server]:
    """A listener with room for few: four that wait, three associations, two of them from one address."""
    server = Server("127.0.0.1", 0, Crowd(waiting=4, associations=3, from_one=2)).start()
    yield server
    server.stop(1.0)


@pytest.fixture
def dcmtk() -> Callable[[str], str]:
    """The path of one of DCMTK's tools."""

    def tool(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            absent("dcmtk", REQUIRED)
        assert found is not None
        return found

    return tool


@pytest.fixture
def secured(installation: Installation, settings: Any) -> Device:
    settings.PACS_SECRETS_DIR = installation.root
    settings.PACS_TLS = "self"
    return Device.objects.get(ae_title="CT_ONE")


@pytest.fixture
def listener(secured: Device) -> Iterator[Server]:
    tls.settle()
    files = tls.dicom_files()
    server = Server("127.0.0.1", 0, context=secure.context(files.certificate, files.key, authority.certificate()))
    yield server.start()
    server.stop(2.0)
    ingest.stop()


@pytest.fixture
def shown(secured: Device, tmp_path: Path) -> Shown:
    return laid(tmp_path / "bundle", enrolment.enrol(secured))
