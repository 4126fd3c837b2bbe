"""What a row of the matrix is: something asked at a door by somebody, and exactly what is on record then."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

S: Final = "/studies/{study}"
R: Final = f"{S}/series/{{series}}"
I: Final = f"{R}/instances/{{sop}}"  # noqa: E741 - the three levels, as the standard nests them
F: Final = f"{I}/frames/1"


@dataclass(frozen=True, order=True)
class Expected:
    """One event: `study` and `patient` say whether those columns are filled, `listed` how many studies were shown.

    `use` and `left` are of what was delivered: what became of it, and each instance by its name in the row with its
    frames behind it (`many 1+3`; none: the whole instance). `by` names who acted, where that is not who asked.
    """

    action: str
    outcome: str
    study: bool = True
    patient: bool = True
    count: int = 0
    listed: int = 0
    use: str = ""
    left: tuple[str, ...] = ()
    by: str = ""

    def __str__(self) -> str:
        columns = [name for name in ("study", "patient") if getattr(self, name)]
        told = {name: getattr(self, name) for name in ("count", "listed", "use", "left", "by")}
        return " ".join([self.action, self.outcome, *columns, *(f"{name}={one}" for name, one in told.items() if one)])


@dataclass(frozen=True)
class Row:
    """`way` is `web` (a program with a token), a browser, `wire` (an association), `command` or `bare` (from the shell,
    and from one that may nothing), `vouched` or `mistaken` (a command that asks for both factors), `job` or `idle`
    (of a worker, and of one that may nothing), or `program` (a process of ours, as which `who` it serves).

    A browser is a `page` in which both factors were given just now, `tired` where the second was given long ago,
    `half` where the password alone was given, `locked` where the screen was locked a minute ago, `stranger` where
    nothing was given, `token` where a token is sent instead.

    `given` names what is prepared ahead (`tests.completeness.given`); what that yields, and `study`, `series` and `sop`
    of a study that Radiology has, may stand in curly brackets in `asked`, `form` and `sent`. With `known` false those
    are of a study that nobody has. `once` is for what cannot be asked twice.
    """

    way: str
    who: str
    asked: str
    status: int
    expected: tuple[Expected, ...]
    known: bool = True
    method: str = "GET"
    once: bool = False
    given: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    sent: str = ""
    use: str = ""

    def __str__(self) -> str:
        given = f", given {self.given}" if self.given else ""
        return f"{self.way} {self.method} {self.asked} by {self.who}{given}{'' if self.known else ', unknown'}"


VIEWED: Final = Expected("study:view", "ok")
DENIED: Final = Expected("study:view", "denied")
MISSED: Final = Expected("study:view", "not-found", patient=False)


def sent(use: str, *left: str) -> Expected:
    """What left in fact."""
    return Expected("study:delivered", "ok", count=len(left), use=use, left=tuple(sorted(left)))


def searched(listed: int) -> Expected:
    return Expected("study:search", "ok", study=False, patient=False, count=listed, listed=listed)


def within(outcome: str) -> Expected:
    return Expected("study:search", outcome, patient=False)


def plain(action: str, outcome: str, count: int = 0, by: str = "") -> Expected:
    """An event that names no study and no patient."""
    return Expected(action, outcome, study=False, patient=False, count=count, by=by)


def refused(action: str) -> tuple[Expected, ...]:
    return (plain(action, "denied"),)


def missed(action: str) -> tuple[Expected, ...]:
    return (plain(action, "not-found"),)


def done(action: str) -> tuple[Expected, ...]:
    return (plain(action, "ok"),)
