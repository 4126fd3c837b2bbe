"""Commands that need a person: whoever sits at the machine gives the password and second factor of somebody."""

from accounts import attempts, factors, identify, passwords, people
from accounts.actors import NOBODY, Actor
from accounts.models import Person
from audit import alerts, log
from audit.actions import Action, Outcome

ADDRESS = "127.0.0.1"


def person(name: str, password: str, code: str) -> Actor | None:
    """The actor of a person who proved both factors just now, on record; None, recorded and counted, where they fail.

    The actor has no session: it serves one command, and is nobody once rights have changed.
    """
    name = people.username(name)[:200]
    found = Person.objects.filter(username=name, is_active=True).first()
    tries = attempts.begin(name, ADDRESS, found)
    right = passwords.right(found, password)
    if not tries.may or found is None or not right or factors.prove(found, code) is None:
        log.refused(Action.STEP_UP, NOBODY.who, {"refused": "command"})
        if tries.here == attempts.FREE:
            alerts.raise_("sign-in-locked", found.username if found else "-", "Several wrong passwords for a command.")
        return None
    attempts.succeed(name, ADDRESS, found, "", tries)
    actor = identify.person_actor(found, address=ADDRESS, session="", stepped_up_now=True)
    log.commit([log.Event(Action.STEP_UP, Outcome.OK, actor.who, details={"for": "command"})])
    return actor
