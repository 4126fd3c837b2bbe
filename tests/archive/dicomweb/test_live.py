"""A real client against the real server: it stores, finds and retrieves, and a running stream stops when it must."""

import io
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pydicom
import pytest
import requests
from dicomweb_client import DICOMwebClient

from accounts import tokens
from accounts.models import Person
from tests import builders
from tests.archive.dicomweb.conftest import RELATED, multipart, path_of
from tests.archive.dicomweb.live import web_server
from tests.archive.outflow.handling import broken_log
from tests.conftest import Installation

CT_SERIES = "neurolabusc__dcm_qa_ct"


@pytest.fixture
def server(installation: Installation) -> Iterator[str]:
    with web_server(installation) as url:
        yield url


def session_of(person: Person) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {tokens.create(person)[1]}"
    return session


@pytest.fixture
def writer(technologist: Person) -> requests.Session:
    return session_of(technologist)


def data_set(ds: pydicom.Dataset) -> bytes:
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def test_a_client_stores_finds_and_retrieves_a_series_byte_for_byte(
    server: str, writer: requests.Session, sample_data: Path
) -> None:
    files = sorted((sample_data / CT_SERIES).rglob("S21610/S2010/I*"))[:6]
    sets = [pydicom.dcmread(path) for path in files]
    client = DICOMwebClient(server, session=writer, chunk_size=200_000)
    told = client.store_instances(sets)
    assert len(told.ReferencedSOPSequence) == len(files)
    assert "FailedSOPSequence" not in told
    study, series = str(sets[0].StudyInstanceUID), str(sets[0].SeriesInstanceUID)
    (found,) = client.search_for_studies(search_filters={"StudyInstanceUID": study}, get_remaining=True)
    assert found["00201208"]["Value"] == [len(files)]
    assert len(client.search_for_series(study)) == 1
    assert len(client.search_for_instances(study, series)) == len(files)
    back = {str(ds.SOPInstanceUID): data_set(ds) for ds in client.retrieve_series(study, series)}
    assert back == {str(ds.SOPInstanceUID): data_set(ds) for ds in sets}
    # What a program that does not go through a parser gets is what was sent, to the byte.
    raw = writer.get(f"{server}{path_of(sets[0])}", headers={"Accept": "application/dicom; transfer-syntax=*"}).content
    sent = io.BytesIO()
    pydicom.dcmwrite(sent, sets[0])
    assert raw == sent.getvalue()
    documents = client.retrieve_series_metadata(study, series)
    assert {one["00080018"]["Value"][0] for one in documents} == set(back)
    (frame,) = client.retrieve_instance_frames(study, series, str(sets[0].SOPInstanceUID), [1])
    assert frame == sets[0].PixelData
    (pixels,) = client.retrieve_bulkdata(documents[0]["7FE00010"]["BulkDataURI"])
    assert len(pixels) == len(sets[0].PixelData)
    assert client.retrieve_instance_rendered(study, series, str(sets[0].SOPInstanceUID))[:2] == b"\xff\xd8"


def test_a_body_in_chunks_of_one_byte_is_read_whole(server: str, writer: requests.Session) -> None:
    ds = builders.ct_slice(side=8)
    content = multipart(builders.part10(ds))
    answer = writer.post(
        f"{server}/studies", data=(content[n : n + 1] for n in range(len(content))), headers={"Content-Type": RELATED}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/dicom+json"


def test_hostile_requests_get_an_answer_and_never_a_breakdown(server: str, writer: requests.Session) -> None:
    deep = b"[" * 100_000
    for content, kind in (
        (deep, "application/dicom+json"),
        (deep, "application/json"),
        (b"--x\r\n" * 20_000, 'multipart/related; type="application/dicom"; boundary=x'),
        (b"--x\r\n\r\n\r\n" * 20_000, 'multipart/related; type="application/dicom"; boundary=x'),
        (b"--x\r\n" + b"A" * 1_000_000, 'multipart/related; type="application/dicom"; boundary=x'),
        (b"junk" * 250_000, 'multipart/related; type="application/dicom"; boundary=x'),
        (b"", 'multipart/related; type="application/dicom"; boundary=x'),
        (b"x", 'multipart/related; type="application/dicom"; boundary="' + "x" * 200 + '"'),
        (b"x", "multipart/form-data; boundary=x"),
    ):
        answer = writer.post(f"{server}/studies", data=content, headers={"Content-Type": kind})
        assert 400 <= answer.status_code < 500, (kind, content[:20], answer.status_code)
    assert writer.get(f"{server}/studies").status_code == 200


def test_a_slow_download_stops_within_two_seconds_of_the_logs_failure(server: str, writer: requests.Session) -> None:
    files = [builders.part10(ds) for ds in builders.study(40, side=1024)]
    assert (
        writer.post(f"{server}/studies", data=multipart(*files), headers={"Content-Type": RELATED}).status_code == 200
    )
    study = pydicom.dcmread(io.BytesIO(files[0])).StudyInstanceUID
    port = urlsplit(server).port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        request = f"GET /dicom-web/studies/{study} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        request += f"Authorization: {writer.headers['Authorization']!s}\r\nAccept: */*\r\n\r\n"
        wire.sendall(request.encode())
        assert wire.recv(65536).startswith(b"HTTP/1.1 200")
        with broken_log():
            time.sleep(2.2)
            # What the kernel already holds may still be read; from here on nothing new may come.
            left = drained(wire)
    assert left < 12_000_000
    assert left < sum(map(len, files)) / 3
    deadline = time.monotonic() + 5
    while writer.get(f"{server}/studies/{study}/metadata").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def drained(wire: socket.socket) -> int:
    """Bytes that still come until the other side closes or is silent for two seconds."""
    wire.settimeout(2)
    taken = 0
    try:
        while chunk := wire.recv(1 << 20):
            taken += len(chunk)
    except (TimeoutError, ConnectionResetError):
        pass
    return taken
