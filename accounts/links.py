"""Shared links: who has the address and the passphrase of one sees its study, without an account, until it ends.

The address carries 256 random bits in its fragment, of which the SHA-256 is kept; the passphrase goes another way and
is kept as argon2. A link can no more than whoever made it can now: `accounts.identify` asks for both at every turn.
"""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts import attempts, epoch, identify, passwords, scope, sessions
from accounts.actors import NOBODY, Actor
from accounts.errors import NotVisible
from accounts.models import Access, Person, SharedLink
from accounts.policy import LINK_KEEPERS
from accounts.sessions import SessionStore
from audit import alerts, clock, log
from audit.actions import Action, Outcome
from keystore import keys
from vault.cells import seal_cell, unseal_cell

CELL: Final = "accounts_sharedlink.recipient"
DECOYS: Final = 64


class Secrets(NamedTuple):
    """The two halves of a link, which exist nowhere else: one for its address, one to be told by another way."""

    token: str
    passphrase: str


def make(
    person: Person, study_uid: str, recipient: str, until: datetime, *, may_download: bool, event: UUID
) -> tuple[SharedLink, Secrets]:
    """Make a link to a study, inside the caller's transaction. `event` is that which says so and why."""
    halves, key, row = Secrets(secrets.token_urlsafe(32), passwords.suggest()), keys.installation_key("field"), uuid4()
    end(SharedLink.objects.filter(until__lte=clock.moment()))
    link = SharedLink.objects.create(
        id=row,
        person=person,
        study_uid=study_uid,
        digest=_digest(halves.token),
        passphrase=passwords.hashed(_plain(halves.passphrase)),
        recipient=seal_cell(key.secret, key.id, CELL, row, recipient),
        may_download=may_download,
        at=clock.moment(),
        until=until,
        event=event,
    )
    scope.lend(row, [study_uid], scope.BY_LINK, until)
    return link, halves


def open_(store: SessionStore, token: str, typed: str, address: str) -> str | None:
    """Begin a session of the link with this token and passphrase; return its study's UID, None for whatever is wrong.

    Wrong, ended, unknown and tried too often are one answer, after the same work.
    """
    found = SharedLink.objects.select_related("person").filter(digest=_digest(token)).first()
    tries = attempts.guess(_name(found, token))
    right = passwords.matches(found.passphrase if found is not None else None, _plain(typed))
    if found is None or tries is None or not right or not _begun(store, found, address):
        _refused(found, tries, address)
        return None
    attempts.guessed(_name(found, token))
    return found.study_uid


def end(rows: "QuerySet[SharedLink]") -> int:
    """End links and every session of theirs, inside the caller's transaction; return how many there were."""
    ended = list(rows.select_for_update().values_list("pk", flat=True))
    if ended:
        Access.objects.filter(audience__in=ended).delete()
        SharedLink.objects.filter(pk__in=ended).delete()
        epoch.raise_()
    return len(ended)


def study_of(actor: Actor) -> str:
    """The study that a link shows. Raises NotVisible for one that ended just now."""
    found = SharedLink.objects.filter(pk=actor.id).values_list("study_uid", flat=True).first()
    if found is None:
        raise NotVisible
    return found


def kept(actor: Actor) -> "QuerySet[SharedLink]":
    """The links that last and that this person looks after: their own, or everybody's."""
    own = Q() if actor.permissions & LINK_KEEPERS else Q(person_id=actor.id)
    return SharedLink.objects.filter(own, until__gt=clock.moment()).select_related("person")


def recipients(rows: Iterable[SharedLink]) -> Mapping[UUID, str]:
    """For whom links are, by their ids. Raises Tampered for a cell that was changed."""
    key = keys.installation_key("field")
    return {one.id: unseal_cell(key.secret, key.id, CELL, one.id, bytes(one.recipient)).decode() for one in rows}


def _begun(store: SessionStore, found: SharedLink, address: str) -> bool:
    """Begin the session and put it on record; False where the link has ended, or whoever made it may not share."""
    with transaction.atomic(durable=True):
        # Whoever ends the link meanwhile comes before, and then nothing begins, or after, and ends what began.
        link = SharedLink.objects.select_for_update(of=("self",)).select_related("person").filter(pk=found.pk).first()
        if link is None or not identify.link_actor(link).verified:
            return False
        sessions.admit(store, link, address)
        SharedLink.objects.filter(pk=link.pk).update(times_opened=F("times_opened") + 1, opened_at=timezone.now())
        who = identify.link_actor(link, address=address, session=sessions.name(store.row)).who
        log.append([log.Event(Action.LINK_OPENED, Outcome.OK, who, study_uid=link.study_uid)])
    return True


def _refused(found: SharedLink | None, tries: int | None, address: str) -> None:
    """Record a refusal, folded alike for links that are there and for those that are not."""
    who = replace(NOBODY, address=address).who
    if found is not None:
        who = replace(who, key=f"link:{found.id}", name=found.person.username)
    log.refused(Action.LINK_OPENED, who, {"refused": "link"})
    if found is not None and tries == attempts.HERE.free:
        subject = f"{found.study_uid} {found.person.username}"
        alerts.raise_("link-guessed", subject, f"Several wrong passphrases in a row, the last from {address}.")


def _name(found: SharedLink | None, token: str) -> str:
    """Whose guesses are counted together: one link's wherever they come from; of what is none, in one of few rows."""
    return f"link {found.id}" if found is not None else f"no link {int(_digest(token), 16) % DECOYS}"


def _plain(passphrase: str) -> str:
    """A passphrase as it is compared: as it may be typed after being read out."""
    return "".join(sign for sign in passphrase[: passwords.LONGEST].casefold() if sign.isalnum())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
