"""People at their browsers, and studies that have arrived for them."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pydicom.dataset import Dataset

from accounts import sessions
from accounts.models import Person, Session
from archive import ingest, newcomers
from archive.models import Held
from tests import builders

SignIn = Callable[..., Client]


@pytest.fixture
def signed_in(installation: Any) -> SignIn:
    """A browser in which this person has given both factors; `fresh` says that the second was given just now."""

    def sign_in(person: Person, *, fresh: bool = False, language: str = "en") -> Client:
        Person.objects.filter(pk=person.pk).update(language=language)
        key, now = secrets.token_urlsafe(24), timezone.now()
        Session.objects.create(
            session_key=sessions.row_key(key),
            session_data=sessions.SessionStore().encode({}),
            expire_date=now + sessions.ABSOLUTE,
            person=person,
            address="127.0.0.1",
            seen_at=now,
            verified_at=now,
            stepped_up_at=now if fresh else None,
        )
        browser = Client(HTTP_HOST="localhost")
        browser.defaults["wsgi.url_scheme"] = "https"
        browser.cookies["__Host-session"] = key
        return browser

    return sign_in


@pytest.fixture
def arrived(modality: Any, actor_of: Any) -> Callable[..., list[Dataset]]:
    """Let a study arrive from the modality of Radiology; returns its data sets."""

    def arrive(*datasets: Dataset, **attributes: Any) -> list[Dataset]:
        study = list(datasets) or builders.study(**attributes)
        for ds in study:
            ingest.store(actor_of(modality), builders.part10(ds))
        return study

    return arrive


@pytest.fixture
def held_back(arrived: Callable[..., list[Dataset]]) -> tuple[Dataset, Held]:
    """A study of one image, of which another with other pixels and another description came and was compared."""
    (original,) = arrived(slices=1)
    newcomer = builders.ct_slice(
        study_uid=original.StudyInstanceUID, series_uid=original.SeriesInstanceUID, sop_uid=original.SOPInstanceUID
    )
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "StudyID", "AccessionNumber"):
        setattr(newcomer, keyword, getattr(original, keyword))
    arrived(newcomer)
    held = Held.objects.get()
    newcomers.compare(str(held.id), lambda done, total: None)
    held.refresh_from_db()
    return original, held
