"""Every line of the table gets its letters, and no call that guards a door can be taken out unnoticed."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.permission import gates
from tests.permission.gates import Site, Watch
from tests.permission.house import House
from tests.permission.lines import Line
from tests.permission.table import EVERYTHING

MOST_TRIED = 24
"""How many refused askers are tried before a call is said to refuse nobody."""
CORE = (
    "accounts/gate.py",
    "accounts/refusals.py",
    "accounts/standing.py",
    "accounts/middleware.py",
    "accounts/identify.py",
)
"""What asks within the gate and before it, for whoever calls it."""
UNREACHED = Path(__file__).with_name("unreached.txt")
"""The calls that no line comes by."""
DOUBLED = Path(__file__).with_name("doubled.txt")
"""The calls behind or before which another one refuses the same: each refuses alone, and only both out let through."""
BESIDE = Path(__file__).with_name("beside.txt")
"""The calls that no answer depends on: something else refuses before them, or they decide what is done beside it."""


@dataclass
class Asked:
    """What every line got, and which lines come by which call."""

    house: House
    known: list[Site]
    got: list[tuple[Line, str]] = field(default_factory=list)
    cells: dict[Site, list[tuple[Line, str]]] = field(default_factory=dict)

    def ask(self, line: Line) -> None:
        letters = []
        with pytest.MonkeyPatch.context() as patch:
            for column in line.columns:
                watch = Watch(self.known, set())
                letters.append(self.house.letter(line, column, gates.watched(watch, patch)))
                for site in sorted(watch.reached):
                    self.cells.setdefault(site, []).append((line, column))
        self.got.append((line, "".join(letters)))

    def without(self, line: Line, column: str, out: frozenset[Site]) -> tuple[str, set[Site]]:
        """What the column gets where these calls let all through, and which calls it comes by."""
        watch = Watch(self.known, set(), out)
        with pytest.MonkeyPatch.context() as patch:
            letter = self.house.letter(line, column, gates.watched(watch, patch))
        return letter, watch.reached


@pytest.fixture(scope="module")
def asked(house: House) -> Asked:
    found = Asked(house, gates.sites())
    for line in EVERYTHING:
        found.ask(line)
    return found


@pytest.mark.timeout(900)
def test_every_line_gets_its_letters(asked: Asked) -> None:
    told = asked.got
    wrong = [f"{line.answered(line.cells)}\n  got  {line.answered(got)}" for line, got in told if got != line.cells]
    if wrong:
        pytest.fail("\n".join(wrong))


@pytest.mark.timeout(900)
def test_without_any_one_call_that_guards_a_line_fails(asked: Asked) -> None:
    named = gates.named(asked.known)
    doubled, beside = set[str](), set[str]()
    for site in sorted(asked.cells):
        if _fails_without(asked, site):
            continue
        (doubled if _refuses_alone(asked, site) else beside).add(named[site])
    unreached = set(named.values()) - {named[site] for site in asked.cells}
    told = [
        *_differences("unreached", unreached, UNREACHED),
        *_differences("doubled", doubled, DOUBLED),
        *_differences("beside", beside, BESIDE),
    ]
    if told:
        pytest.fail("\n".join(told))


def _fails_without(asked: Asked, site: Site) -> bool:
    """Whether some line fails without this call, while everything else stands."""
    for line, column in _refused(asked.cells[site]):
        letter, _reached = asked.without(line, column, frozenset({site}))
        if letter != line.cell(column):
            assert asked.without(line, column, frozenset())[0] == line.cell(column)
            return True
    return False


def _refuses_alone(asked: Asked, site: Site) -> bool:
    """Whether this call refuses somebody by itself, where all the others of its kind let everybody through."""
    for line, column in _refused(asked.cells[site]):
        out = frozenset({site})
        letter, reached = asked.without(line, column, out)
        while letter == line.cell(column) and (more := _alike(site, reached) - out):
            out |= more
            letter, reached = asked.without(line, column, out)
        if letter != line.cell(column) and asked.without(line, column, out - {site})[0] == line.cell(column):
            return True
    return False


def _alike(site: Site, reached: set[Site]) -> frozenset[Site]:
    """The calls that ask as this one does: the same guard within the gate, or all of those that call it."""
    if site.path in CORE:
        return frozenset(one for one in reached if one.path in CORE and one.guard == site.guard)
    return frozenset(one for one in reached if one.path not in CORE)


def _refused(cells: list[tuple[Line, str]]) -> list[tuple[Line, str]]:
    """Who must not, on the lines that come by a call: first those who came by it, of each column and letter a few."""
    came = [(line, column) for line, column in cells if column in line.refused()]
    others = [(line, column) for line in dict.fromkeys(line for line, _ in cells) for column in line.refused()]
    seen, chosen = Counter[tuple[str, str]](), list[tuple[Line, str]]()
    for line, column in dict.fromkeys((*came, *others)):
        kind = (column, line.cell(column))
        seen[kind] += 1
        if seen[kind] <= 2 and len(chosen) < MOST_TRIED:
            chosen.append((line, column))
    return chosen


def _differences(what: str, found: set[str], written: Path) -> list[str]:
    """What is not as the list says: a call that is new needs a line, and one that got a line leaves the list."""
    debt = {line for line in written.read_text("utf-8").splitlines() if line and not line.startswith("#")}
    return [
        *(f"{what}: {one}" for one in sorted(found - debt)),
        *(f"no more {what}: {one}" for one in sorted(debt - found)),
    ]
