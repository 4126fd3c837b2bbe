"""How commands are given and jobs done for a line, and which letter each gets."""

from io import StringIO
from typing import Final
from unittest.mock import patch

from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils.module_loading import import_string

from accounts import policy
from accounts.errors import Forbidden, NotVisible, Refused, StepUpNeeded
from accounts.models import Person
from accounts.policy import Permission
from archive import tasks
from archive.errors import ArchiveError
from tests.accounts.browsing import fresh_code
from tests.conftest import PASSWORD
from tests.permission import subjects

IDLE: Final = dict.fromkeys(policy.SYSTEM_JOBS, frozenset[Permission]())
LETTERS: Final[dict[type[Exception], str]] = {Forbidden: "-", NotVisible: "x", StepUpNeeded: "^"}


def commanded(asked: str, column: str) -> str:
    """Give a command as the column says: as the shell, or in the name of a person who gives both factors."""
    typed, words = iter(list[str]()), asked.split()
    if column.startswith("as "):
        name, _, mistaken = column.removeprefix("as ").partition(", ")
        words += ["--as", name]
        person = Person.objects.get(username=name)
        subjects.second_factor(person)
        typed = iter(["wrong" if mistaken else PASSWORD, fresh_code(person)])
    may = frozenset[Permission]() if column == "bare" else policy.SHELL
    with (
        patch("accounts.identify.SHELL", may),
        patch("accounts.identify.SYSTEM_JOBS", IDLE if column == "idle" else policy.SYSTEM_JOBS),
        patch("getpass.getpass", lambda _prompt: next(typed)),
        patch("sys.stdin", StringIO()),
    ):
        try:
            call_command(*words, stdout=StringIO(), stderr=StringIO())
        except (CommandError, SystemExit) as error:
            return _letter(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no answer that a line could expect
            return f"({type(error).__name__})"
    return "."


def worked(asked: str, *, idle: bool) -> str:
    """Do one job as a worker does, or as one that may nothing."""
    kind, subject = asked.split()
    with patch("accounts.identify.SYSTEM_JOBS", IDLE if idle else policy.SYSTEM_JOBS):
        try:
            import_string(tasks.HANDLERS[kind])(subject, lambda _done, _total: None)
        except (ArchiveError, Refused) as error:
            return _letter(error)
    return "."


def _letter(error: BaseException | None) -> str:
    """The letter of the refusal because of which there was this error."""
    while error is not None:
        if (letter := LETTERS.get(type(error))) is not None:  # type: ignore[arg-type]
            return letter
        error = error.__cause__ or error.__context__
    return "!"
