"""A study that is shared, and whoever comes by its link."""

from datetime import timedelta
from typing import Any

import pytest

from accounts import identify, links
from accounts.actors import Actor
from accounts.models import Role
from accounts.sessions import SessionStore
from archive import query
from archive.query import Criteria, Page
from archive.sharing import Shared, Wish
from tests import builders
from tests.completeness.studies import stored

WISH = Wish("Dr Ohne Konto", timedelta(days=7), "A second opinion was asked for.")


@pytest.fixture
def study(installation: Any) -> str:
    """A study of Radiology, whose clinicians may share."""
    may("clinician", "study.share")
    uid: str = stored(builders.ct_slice())["study"]
    return uid


def may(name: str, *more: str) -> None:
    role = Role.objects.get(name=name)
    role.permissions = [*role.permissions, *more]
    role.save()


def opened(shared: Shared, passphrase: str = "", address: str = "198.51.100.7") -> Actor | None:
    """Whoever came by a link, or None where it opened nothing."""
    store = SessionStore()
    typed = passphrase or shared.secrets.passphrase
    if links.open_(store, shared.secrets.token, typed, address) is None:
        return None
    return identify.session_principal(store.session_key or "", address).actor


def reader(shared: Shared) -> Actor:
    found = opened(shared)
    assert found is not None
    return found


def seen(by: Actor) -> set[str]:
    return {row.uid for row in query.studies(by, Criteria(), Page(100)).rows}
