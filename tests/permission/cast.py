"""The columns of the table as people, sessions and tokens of one archive, and the browser of each."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import uuid4

from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts import links, people, sessions, standing, tokens
from accounts.models import Access, Group, Person, Role, Session, SharedLink, Token
from accounts.policy import ROLES
from tests.conftest import PASSWORD
from tests.permission.lines import COLUMNS
from tests.permission.shared import COLUMNS as LINKS

GRANTER: Final = "granter"
"""A role that a house makes by itself: none of the five lets others in, be it people or whoever has a link."""
ALL_ROLES: Final = (*ROLES, GRANTER)
OLD: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
NOW: Final = timedelta(0)
TOKENS: Final = ("token", "narrow", "revoked", "lapsed")
USERNAMES: Final = {"privacy officer": "privacy"}
"""Where the column is not called as the person is."""


@dataclass(frozen=True)
class Held:
    """How old a session is: since when it was used, since when each factor was given, when it ends."""

    seen: timedelta = NOW
    verified: bool = True
    stepped_up: timedelta = NOW
    over: bool = False


SESSIONS: Final = {
    "tired": Held(stepped_up=OLD),
    "half": Held(verified=False),
    "expired": Held(over=True),
    "idle": Held(seen=sessions.IDLE + timedelta(seconds=5)),
}


class Cast:
    """Everybody whom a column names, in the archive that this process works on."""

    def __init__(self) -> None:
        radiology, cardiology = (Group.objects.get(name=name) for name in ("Radiology", "Cardiology"))
        Person.objects.get(username="outsider").delete()
        password = Person.objects.get(username="radiologist").password
        Role.objects.get_or_create(name=GRANTER, defaults={"permissions": ["study.grant", "study.share"]})
        for username, roles, group in (
            ("keeper", ("keeper",), None),
            ("outsider", ALL_ROLES, cardiology),
            *((name, ALL_ROLES, radiology) for name in ("tired", "half", "disabled", "expired", "idle", "token")),
        ):
            made = people.create(username, password=PASSWORD, groups=[group] if group else [])
            # Nobody may come to hold all roles by a way of ours: what is refused here is refused even to them.
            made.roles.set(Role.objects.filter(name__in=roles))
            Person.objects.filter(pk=made.pk).update(password=password)
        people.disable(Person.objects.get(username="disabled"))
        self.foreign = (cardiology.id, Person.objects.get(username="outsider").id)
        # One for all: each would look for every static file anew.
        self.handler = Client().handler
        self.keys: dict[tuple[str, str], str] = {}
        self.links: dict[str, SharedLink] = {}
        self.secrets = {column: self._token(column) for column in TOKENS}

    def person(self, column: str) -> Person | None:
        """The person of a column; None where it has none of its own."""
        return None if column not in COLUMNS or column == "nobody" else Person.objects.get(username=_username(column))

    def take_from_outsiders(self) -> None:
        """Let the outsider have no study, also none stored or granted a moment ago."""
        if Access.objects.filter(audience__in=self.foreign).delete()[0]:
            standing.forget()

    def browser(self, column: str, half: str = "") -> Client:
        """A browser in which this column has given what it can; `half` is who half of it is, if another."""
        browser = Client(HTTP_HOST="localhost", raise_request_exception=False)
        browser.handler = self.handler
        if column in TOKENS:
            browser.defaults["HTTP_AUTHORIZATION"] = f"Bearer {self.secrets[column]}"
        elif column in LINKS:
            browser.cookies["__Host-session"] = self._link(column)
        elif column != "nobody":
            username = half if half and column == "half" else _username(column)
            browser.cookies["__Host-session"] = self._session(column, username)
        return browser

    def share(self, study_uid: str, other_uid: str) -> None:
        """Make the links of the columns, to one study or to another."""
        makers = {}
        for name, groups in (("sharer", Group.objects.filter(name="Radiology")), ("moved", ())):
            makers[name] = people.create(name, password=PASSWORD, groups=list(groups))
            makers[name].roles.set(Role.objects.filter(name__in=("clinician", GRANTER)))
        until = timezone.now() + DAY
        for column in LINKS:
            maker = makers["moved" if column == "lost link" else "sharer"]
            uid, download = other_uid if column == "foreign link" else study_uid, column == "carrying link"
            with transaction.atomic():
                self.links[column], _ = links.make(maker, uid, "-", until, may_download=download, event=uuid4())

    def _link(self, column: str) -> str:
        """The key of a link's session, which stands as the column says whatever happened to it before."""
        key, now = self.keys.setdefault((column, ""), secrets.token_urlsafe(24)), timezone.now()
        Session.objects.filter(session_key=sessions.row_key(key)).delete()
        if column == "ended link":
            return key
        seen = now - sessions.LOCK - timedelta(seconds=5) if column == "idle link" else now
        Session.objects.create(
            session_key=sessions.row_key(key),
            session_data=sessions.SessionStore().encode({}),
            expire_date=now + sessions.ABSOLUTE,
            link=self.links[column],
            address="127.0.0.1",
            seen_at=seen,
            verified_at=now,
        )
        return key

    def _session(self, column: str, username: str) -> str:
        """The key of this column's session, which stands as the column says whatever happened to it before."""
        key = self.keys.setdefault((column, username), secrets.token_urlsafe(24))
        held, now = SESSIONS.get(column, Held()), timezone.now()
        Session.objects.update_or_create(
            session_key=sessions.row_key(key),
            defaults={
                "session_data": sessions.SessionStore().encode({}),
                "expire_date": now - DAY if held.over else now + sessions.ABSOLUTE,
                "person": Person.objects.get(username=username),
                "address": "127.0.0.1",
                "started_at": now,
                "seen_at": now - held.seen,
                "verified_at": now if held.verified else None,
                "locked_at": None,
                "stepped_up_at": now - held.stepped_up if held.verified else None,
            },
        )
        return key

    @staticmethod
    def _token(column: str) -> str:
        scopes = ["study.search"] if column == "narrow" else None
        made, secret = tokens.create(Person.objects.get(username="token"), name=column, scopes=scopes)
        now = timezone.now()
        if column == "revoked":
            Token.objects.filter(pk=made.pk).update(revoked_at=now)
        elif column == "lapsed":
            Token.objects.filter(pk=made.pk).update(expires_at=now)
        return secret


def _username(column: str) -> str:
    return "token" if column in TOKENS else USERNAMES.get(column, column)
