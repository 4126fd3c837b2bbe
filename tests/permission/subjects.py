"""What is prepared for a line, by the words in which it names it; `asker` is the person of the column, if any."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.utils import timezone

from accounts import factors, tokens
from accounts.models import Access, Person, TotpDevice
from tests import builders, people
from tests.accounts.browsing import fresh_code
from tests.completeness import care, given, studies
from tests.completeness.studies import Names

Asker = Person | None


def new_image(_asker: Asker) -> Names:
    image = builders.ct_slice()
    return {"study": image.StudyInstanceUID, **studies.offered(image)}


def grant_over(_asker: Asker) -> Names:
    """A study that everybody here could see until a moment ago."""
    names = studies.stored(builders.ct_slice())
    Access.objects.filter(study_uid=names["study"]).update(until=timezone.now() - timedelta(seconds=1))
    return names


def half(prepare: Callable[[], Names]) -> Callable[[Asker], Names]:
    """Whoever is half signed in is the somebody that is prepared."""

    def prepared(_asker: Asker) -> Names:
        names = prepare()
        return {**names, "half": names["someone"]}

    return prepared


def known_password(asker: Asker) -> Names:
    """Whatever becomes of the asker's password, it is the known one before and afterwards."""
    if asker is None:
        return {}
    known = Person.objects.get(pk=asker.pk).password
    return {"after": lambda: Person.objects.filter(pk=asker.pk).update(password=known)}


def second_factor(asker: Asker) -> Names:
    if asker is None:
        return {"code": "000000", "wrong": "000001"}
    if not factors.enrolled(asker):
        factors.issue(asker)
    right = fresh_code(asker)
    TotpDevice.objects.filter(user=asker).update(throttling_failure_count=0)
    return {"code": right, "wrong": f"{(int(right) + 500_000) % 1_000_000:06d}"}


def scope(asker: Asker) -> Names:
    return {"scope": tokens.may_carry(asker)[0] if asker is not None else "study.view"}


def token(asker: Asker) -> Names:
    if asker is None:
        return given.token()
    made, _ = tokens.create(asker, name="one")
    return {"token": str(made.id)}


def session(asker: Asker) -> Names:
    return given.session() if asker is None else {"session": people.actor(asker).session}


FLEETING: Final = ("a file of rules", "a backup place", "no backup place", "a study granted")
"""What is used up by reading it, or taken away by what comes between."""


def _anew(named: str) -> Callable[[Asker], Names]:
    return lambda _asker: given.PREPARED[named]()


OF_ASKER: Final[dict[str, Callable[[Asker], Names]]] = {
    "the known password": known_password,
    "a second factor of the asker": second_factor,
    "a scope of the asker": scope,
    "a token of the asker": token,
    "a session of the asker": session,
    **{name: _anew(name) for name in FLEETING},
}
"""What is another for each column, and prepared for each answer."""

SHARED: Final[dict[str, Callable[[Asker], Names]]] = {
    "a new image": new_image,
    "a grant that is over": grant_over,
    "a study to give": lambda _asker: studies.study(),
    "a study without a backup": lambda _asker: {**studies.study(), **care.no_place()},
    "somebody half signed in": half(given.somebody),
    "a newcomer half signed in": half(given.newcomer),
    "an initial password half signed in": half(given.PREPARED["a newcomer with an initial password"]),
}


def prepare(named: str, asker: Asker) -> Names:
    """Prepare what a line names."""
    made = OF_ASKER.get(named) or SHARED.get(named)
    return made(asker) if made is not None else given.PREPARED[named]()
