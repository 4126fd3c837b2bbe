"""Shared links: everything that ends one, and that it ends for good."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts import gate, identify, links, people, sessions
from accounts.errors import Forbidden, NotVisible
from accounts.models import Access, Person, Session, SharedLink
from accounts.sessions import SessionStore
from archive import removal, restricting, sharing
from archive.sharing import Shared, Wish
from audit import clock
from tests.archive.links import WISH, opened, reader, study
from tests.completeness.studies import actor

__all__ = ["study"]
pytestmark = pytest.mark.usefixtures("installation")


@pytest.mark.both_databases
def test_an_ended_link_stops_what_runs_and_never_opens_again(study: str) -> None:
    shared = sharing.share(actor("radiologist"), study, WISH)
    link = reader(shared)
    receipt = gate.view(link, study, found=True)
    row = SharedLink.objects.get()
    sharing.end(actor("radiologist"), row.id)
    with pytest.raises(NotVisible):
        gate.still(receipt, link)
    with pytest.raises((NotVisible, Forbidden)):
        gate.view(link, study, found=True)
    assert opened(shared) is None
    assert not Session.objects.filter(link__isnull=False).exists()
    assert not Access.objects.filter(rule="link").exists()
    with pytest.raises(NotVisible):
        sharing.end(actor("radiologist"), row.id)


@pytest.mark.both_databases
def test_whoever_opens_while_the_link_is_ended_holds_nothing_afterwards(study: str) -> None:
    for _ in range(4):
        shared = sharing.share(actor("radiologist"), study, WISH)
        row = SharedLink.objects.get()

        def ending(row: SharedLink = row) -> None:
            sharing.end(actor("radiologist"), row.id)
            connection.close()

        def opening(shared: Shared = shared) -> None:
            links.open_(SessionStore(), shared.secrets.token, shared.secrets.passphrase, "198.51.100.7")
            connection.close()

        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(opening), pool.submit(ending)]
            for one in both:
                one.result()
        assert not Session.objects.filter(link__isnull=False).exists()
        assert not SharedLink.objects.exists()


def test_a_link_ends_by_the_clock(study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = sharing.share(actor("radiologist"), study, Wish("X", timedelta(hours=1), "Y"))
    link = reader(shared)
    receipt = gate.view(link, study, found=True)
    assert Session.objects.get(link__isnull=False).expire_date == shared.until
    later = clock.now() + 3601
    monkeypatch.setattr(clock, "now", lambda: later)
    monkeypatch.setattr(timezone, "now", lambda: shared.until + timedelta(seconds=1))
    with pytest.raises(NotVisible):
        gate.still(receipt, link)
    assert opened(shared) is None
    assert sharing.listed(actor("radiologist")) == ()


def lose_the_right(_study: str) -> None:
    people.edit(Person.objects.get(username="radiologist"), roles=["technologist"], groups=groups(), full_name="")


def lose_the_group(_study: str) -> None:
    people.edit(Person.objects.get(username="radiologist"), roles=["clinician"], groups=[], full_name="")


def groups() -> list[Any]:
    return list(Person.objects.get(username="radiologist").groups.all())


LOST: dict[str, Callable[[str], Any]] = {
    "disabled": lambda _study: people.disable(Person.objects.get(username="radiologist")),
    "no longer in the group": lose_the_group,
    "no longer allowed to share": lose_the_right,
    "the study restricted": lambda study: restricting.restrict(actor("privacy"), study, "Known to all."),
    "the study in the trash": lambda study: removal.trash(actor("technologist"), study),
}


@pytest.mark.parametrize("lost", LOST)
def test_a_link_can_no_more_than_whoever_made_it(study: str, lost: str) -> None:
    shared = sharing.share(actor("radiologist"), study, WISH)
    link = reader(shared)
    receipt = gate.view(link, study, found=True)
    LOST[lost](study)
    with pytest.raises(NotVisible):
        gate.still(receipt, link)
    assert opened(shared) is None


def test_links_of_a_disabled_person_stay_ended(study: str) -> None:
    shared = sharing.share(actor("radiologist"), study, WISH)
    person = Person.objects.get(username="radiologist")
    people.disable(person)
    people.enable(person)
    assert opened(shared) is None


def test_a_link_left_alone_is_over_where_a_person_would_be_locked(study: str) -> None:
    shared = sharing.share(actor("radiologist"), study, WISH)
    store = SessionStore()
    links.open_(store, *shared.secrets, "198.51.100.7")
    alone = timezone.now() - sessions.LOCK - timedelta(seconds=5)
    Session.objects.filter(link__isnull=False).update(seen_at=alone, started_at=alone)
    assert identify.session_principal(store.session_key or "", "198.51.100.7").actor.kind == "nobody"
