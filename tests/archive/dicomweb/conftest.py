"""Programs with a token before the DICOMweb service of a small archive."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pydicom.dataset import Dataset

from accounts import tokens
from accounts.models import Person
from archive import ingest
from tests import builders, people

BASE = "/dicom-web"
BOUNDARY = "a-boundary"


class Program:
    """What a DICOMweb client sends and gets, with one person's token, over HTTPS."""

    def __init__(self, person: Person | None) -> None:
        self.client = Client(raise_request_exception=False, headers={"host": "localhost"})
        if person is not None:
            _, secret = tokens.create(person)
            self.client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {secret}"

    def get(self, path: str, accept: str = "*/*", **headers: str) -> Any:
        return self.client.get(f"{BASE}{path}", secure=True, headers={"accept": accept, **headers})

    def send(
        self,
        body: bytes,
        content_type: str,
        path: str = "/studies",
        accept: str = "application/dicom+json",
        **more: Any,
    ) -> Any:
        headers = {"accept": accept, **more.pop("headers", {})}
        return self.client.generic("POST", f"{BASE}{path}", body, content_type, secure=True, headers=headers, **more)

    def store(self, *files: bytes, path: str = "/studies") -> Any:
        return self.send(multipart(*files), RELATED, path)


RELATED = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


def multipart(*files: bytes, part_type: str = "application/dicom") -> bytes:
    parts = (f"--{BOUNDARY}\r\nContent-Type: {part_type}\r\n\r\n".encode() + data + b"\r\n" for data in files)
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


def body(answer: Any) -> bytes:
    content: bytes = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content


def path_of(ds: Dataset) -> str:
    return f"/studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}/instances/{ds.SOPInstanceUID}"


@pytest.fixture
def reader(radiologist: Person) -> Program:
    """May search and view what is Radiology's."""
    return Program(radiologist)


@pytest.fixture
def writer(technologist: Person) -> Program:
    """May store, for Radiology."""
    return Program(technologist)


@pytest.fixture
def stranger(outsider: Person) -> Program:
    """May search and view, but nothing of Radiology."""
    return Program(outsider)


@pytest.fixture
def store(modality: Any) -> Callable[..., Dataset]:
    """Store one synthetic slice as the CT of Radiology would."""

    def stored(identity: builders.Identity | None = None, **attributes: Any) -> Dataset:
        ds = builders.ct_slice(identity, **attributes)
        ingest.store(people.actor(modality), builders.part10(ds))
        return ds

    return stored
