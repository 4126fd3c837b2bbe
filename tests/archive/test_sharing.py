"""Shared links: what one opens and to whom, who makes one, and what is kept of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts import attempts, gate, identify, links, people, scope
from accounts.errors import AgainstRules, Forbidden, NotVisible, StepUpNeeded, Unacceptable
from accounts.models import Access, Person, Role, Session, SharedLink
from accounts.sessions import SessionStore
from archive import emergency, granting, restricting, sharing
from archive.emergency import Wanted
from archive.sharing import Wish
from audit import clock, log
from audit.actions import Action
from audit.models import Alert, AuditEvent
from tests import builders
from tests.archive.links import WISH, may, opened, reader, seen, study
from tests.completeness.studies import actor, numbered, stored
from tests.conftest import PASSWORD
from vault.errors import Tampered

__all__ = ["study"]
pytestmark = pytest.mark.usefixtures("installation")


@pytest.mark.both_databases
def test_a_link_opens_one_study_and_nothing_else_and_each_view_says_by_whom(study: str) -> None:
    other = stored(builders.ct_slice())["study"]
    link = reader(sharing.share(actor("radiologist"), study, WISH))
    assert (link.kind, seen(link)) == ("link", {study})
    assert gate.view(link, study, found=True).study_uids == {study}
    event = AuditEvent.objects.get(action="study:view", study_uid=study)
    assert (event.actor_kind, event.actor_key) == ("link", f"link:{SharedLink.objects.get().id}")
    assert event.actor_name == "radiologist (shared link)"
    with pytest.raises(NotVisible):
        gate.view(link, other, found=True)
    for action in set(Action) - {Action.VIEW, Action.SEARCH}:
        with pytest.raises(Forbidden):
            gate.permit(link, action)


def test_what_is_kept_of_a_link_opens_nothing_and_names_nobody(study: str) -> None:
    shared = sharing.share(actor("radiologist"), study, WISH)
    row = SharedLink.objects.get()
    kept = repr([*SharedLink.objects.values(), *Access.objects.values(), *AuditEvent.objects.values()])
    for secret in (*shared.secrets, shared.secrets.passphrase.replace("-", ""), WISH.recipient, WISH.reason):
        assert secret not in kept
    assert row.passphrase.startswith("argon2$argon2id$")
    assert len(shared.secrets.token) >= 43
    told = log.open_details(AuditEvent.objects.get(action="link:made")) or {}
    assert (told["for"], told["reason"], told["download"]) == (WISH.recipient, WISH.reason, False)
    other = links.make(row.person, study, "Somebody else", row.until, may_download=False, event=row.event)[0]
    SharedLink.objects.filter(pk=row.pk).update(recipient=bytes(other.recipient))
    with pytest.raises(Tampered):
        sharing.listed(actor("radiologist"))


@pytest.mark.parametrize("typed", [str.upper, lambda one: one.replace("-", " "), lambda one: one.replace("-", "")])
def test_a_passphrase_that_was_read_out_is_typed_as_it_was_heard(study: str, typed: Callable[[str], str]) -> None:
    shared = sharing.share(actor("radiologist"), study, WISH)
    assert opened(shared, typed(shared.secrets.passphrase)) is not None


@pytest.mark.parametrize("wrong", ["token", "passphrase", "both halves of another", "empty"])
def test_half_a_link_opens_nothing(study: str, wrong: str) -> None:
    one, other = (sharing.share(actor("radiologist"), study, WISH) for _ in range(2))
    token, passphrase = {
        "token": (one.secrets.token[:-1] + "~", one.secrets.passphrase),
        "passphrase": (one.secrets.token, one.secrets.passphrase[:-1] + "1"),
        "both halves of another": (one.secrets.token, other.secrets.passphrase),
        "empty": ("", ""),
    }[wrong]
    assert links.open_(SessionStore(), token, passphrase, "198.51.100.7") is None
    assert not Session.objects.filter(link__isnull=False).exists()
    assert AuditEvent.objects.filter(action="link:opened", outcome="denied", actor_kind="nobody").exists()


def test_fifty_guesses_at_once_are_five_that_are_judged_and_then_the_right_one_waits_too(
    study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = sharing.share(actor("radiologist"), study, WISH)
    monkeypatch.setattr("accounts.passwords.matches", lambda kept, typed: typed == "right" and kept is not None)
    counted, count = list[int | None](), attempts.guess

    def counting(what: str) -> int | None:
        counted.append(count(what))
        return counted[-1]

    monkeypatch.setattr(attempts, "guess", counting)

    def guess(_number: int) -> object:
        try:
            return links.open_(SessionStore(), shared.secrets.token, "wrong", "198.51.100.7")
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(guess, range(50))) == {None}
    assert sorted(one for one in counted if one is not None) == [1, 2, 3, 4, 5]
    assert opened(shared, "right", "203.0.113.9") is None
    assert Alert.objects.get(kind="link-guessed").subject == f"{study} radiologist"
    # Another link is not held up, and neither is the world.
    assert opened(sharing.share(actor("radiologist"), study, WISH), "right") is not None


def test_who_sees_a_restricted_study_by_a_grant_shares_it_no_longer_than_that(study: str) -> None:
    may("administrator", "study.grant")
    granting.grant(identify.shell("root"), study, "outsider", clock.moment().date() + timedelta(days=1), "Asked.")
    restricting.restrict(actor("privacy"), study, "Known to all.")
    with pytest.raises(NotVisible):
        sharing.share(actor("radiologist"), study, WISH)
    shared = sharing.share(actor("outsider"), study, WISH)
    assert shared.until == scope.covers(actor("outsider"), study)
    link = reader(shared)
    assert seen(link) == {study}
    receipt = gate.view(link, study, found=True)
    (grant,) = granting.listed(identify.shell("root"))
    granting.revoke(identify.shell("root"), grant.id)
    with pytest.raises(NotVisible):
        gate.still(receipt, link)


def test_what_was_opened_in_an_emergency_is_not_shared(study: str) -> None:
    names = numbered()
    emergency.open_(actor("outsider"), Wanted(names["number"]), "emergency", "The patient cannot wait.")
    with pytest.raises(Unacceptable, match="emergency"):
        sharing.share(actor("outsider"), names["study"], WISH)
    assert not SharedLink.objects.exists()
    assert AuditEvent.objects.filter(action="link:made", outcome="denied").count() == 1


def test_download_is_a_wish_of_its_own_and_only_for_who_may_download(study: str) -> None:
    shared = sharing.share(actor("radiologist"), study, Wish("X", timedelta(days=1), "Y", may_download=True))
    assert gate.disclose(reader(shared), Action.DOWNLOAD, study, found=True).study_uids == {study}
    with pytest.raises(Forbidden):
        gate.disclose(reader(sharing.share(actor("radiologist"), study, WISH)), Action.DOWNLOAD, study, found=True)
    role = Role.objects.get(name="clinician")
    role.permissions = [one for one in role.permissions if one != "study.download"]
    role.save()
    with pytest.raises(Unacceptable, match="download"):
        sharing.share(actor("radiologist"), study, Wish("X", timedelta(days=1), "Y", may_download=True))
    with pytest.raises(Forbidden):
        gate.disclose(reader(shared), Action.DOWNLOAD, study, found=True)


@pytest.mark.parametrize("wish", [("", "Y"), ("X" * 121, "Y"), ("X\nY", "Y"), ("X", " "), ("X", "Y" * 501)])
def test_a_bad_wish_is_refused_with_words(study: str, wish: tuple[str, str]) -> None:
    with pytest.raises(Unacceptable):
        sharing.share(actor("radiologist"), study, Wish(wish[0], timedelta(days=1), wish[1]))
    assert not SharedLink.objects.exists()


@pytest.mark.parametrize("typed", ["31 days", "0 days", "721 hours", "-1 days", " days", "1 years", "٣ days"])
def test_a_link_lasts_thirty_days_at_most(typed: str) -> None:
    number, _, unit = typed.partition(" ")
    with pytest.raises(Unacceptable):
        sharing.lasts(number, unit)
    assert sharing.lasts("720", "hours") == sharing.lasts("30", "days") == timedelta(days=30)


def test_no_starting_role_shares_and_a_stale_factor_is_asked_for(installation: Any, radiologist: Person) -> None:
    uid = stored(builders.ct_slice())["study"]
    for username in ("radiologist", "administrator", "privacy", "technologist"):
        with pytest.raises(Forbidden):
            sharing.share(actor(username), uid, WISH)
    may("clinician", "study.share")
    with pytest.raises(StepUpNeeded):
        sharing.share(identify.person_actor(radiologist), uid, WISH)
    with pytest.raises(NotVisible):
        sharing.share(actor("outsider"), uid, WISH)


@pytest.mark.parametrize("other", ["people.manage", "groups.manage", "log.read", "keys.manage", "study.destroy"])
def test_who_shares_neither_gives_rights_nor_watches(installation: Any, other: str) -> None:
    Role.objects.create(name="sharer", permissions=["study.share"])
    Role.objects.create(name="other", permissions=[other])
    with pytest.raises(AgainstRules):
        people.create("both", password=PASSWORD, roles=["sharer", "other"])


def test_the_list_is_ones_own_or_everybodys_for_who_looks_after_it(study: str) -> None:
    shared = sharing.share(actor("radiologist"), study, WISH)
    reader(shared)
    Role.objects.create(name="granter", permissions=["study.grant"])
    people.create("granter", password=PASSWORD, roles=["granter"])
    (mine,) = sharing.listed(actor("radiologist"))
    assert (mine.recipient, mine.times_opened, mine.sees) == (WISH.recipient, 1, True)
    assert sharing.listed(actor("outsider")) == ()
    assert [(row.recipient, row.sees) for row in sharing.listed(actor("privacy"))] == [(WISH.recipient, False)]
    assert [(row.recipient, row.sees) for row in sharing.listed(actor("granter"))] == [("", False)]
    with pytest.raises(NotVisible):
        sharing.end(actor("outsider"), mine.id)
    with pytest.raises(Forbidden):
        sharing.listed(reader(shared))
    sharing.end(actor("privacy"), mine.id)
    assert not SharedLink.objects.exists()
