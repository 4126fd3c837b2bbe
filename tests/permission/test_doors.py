"""The lines of the table are exactly the ways of asking at every door."""

from collections import defaultdict
from dataclasses import replace
from typing import Final

import pytest
from django.test import Client
from django.urls import resolve

from accounts import doorways, identify, policy
from accounts.doorways import Kind
from accounts.errors import Forbidden
from accounts.gate import permit
from archive import tasks
from archive.errors import Unavailable
from tests.accounts.test_every_route import ROUTES, path_of
from tests.completeness.test_doors import offered_commands
from tests.permission import commands, jobs, wire
from tests.permission.house import NOTHING, House
from tests.permission.lines import COLUMNS, LETTERS, Line, read
from tests.permission.table import EVERYTHING, LINES

UIDS: Final = ("study", "series", "sop", "nothing")
NUMBERED, NUMBER = frozenset({"role"}), "1"
BESIDE: Final = frozenset({"HEAD", "OPTIONS"})
HARMLESS: Final = frozenset({"", "healthz", "readyz", "language/"})


def route_of(line: Line) -> str:
    """The door before which a line asks."""
    path = line.path.partition("?")[0]
    for name in UIDS:
        path = path.replace(f"{{{name}}}", "1.2")
    while "{" in path:
        before, _, rest = path.partition("{")
        name, _, after = rest.partition("}")
        path = before + (NUMBER if name in NUMBERED else NOTHING["nobody"]) + after
    return resolve(path).route


def methods() -> dict[str, set[str]]:
    """The methods that lines ask each door with."""
    found = defaultdict(set)
    for line in LINES:
        found[route_of(line)].add(line.method)
    return found


def test_every_route_has_a_line_and_every_line_a_route() -> None:
    assert set(methods()) == set(ROUTES)
    named = {door.name for door in doorways.PAGES} | {f"dicom-web/{door.name}" for door in doorways.DICOMWEB}
    assert set(methods()) == named | HARMLESS


def test_every_method_that_a_door_answers_has_a_line(house: House) -> None:
    lines, wrong = methods(), []
    browser: Client = house.cast.browser("outsider")
    for route in ROUTES:
        answer = browser.generic("PATCH", path_of(route), secure=True)
        allowed = {one.strip() for one in answer.headers.get("Allow", "").split(",")} - BESIDE
        if answer.status_code != 405 or allowed != lines[route]:
            wrong.append(f"{route}: {answer.status_code}, answers {sorted(allowed)}, lines {sorted(lines[route])}")
    assert not wrong


def test_whoever_may_not_get_may_not_ask_for_the_head_either(house: House) -> None:
    wrong = []
    for line in (line for line in LINES if line.method == "GET"):
        for column in ("outsider", "nobody", "half", "narrow"):
            if (expected := line.cell(column)) in "-x^>":
                got = house.letter(replace(line, method="HEAD", shows=""), column)
                wrong += [f"{line} by {column}: {got}"] if got not in (expected, "!") else []
    assert not wrong


def test_every_verb_has_a_line_and_every_line_a_verb() -> None:
    asked = {" ".join(line.path.split()[:2]) for line in commands.LINES}
    assert asked | commands.UNASKED.keys() == set(offered_commands())


def test_every_kind_of_job_has_a_line_and_every_line_a_kind() -> None:
    assert {line.path.split()[0] for line in jobs.LINES} == set(tasks.HANDLERS)


def test_every_service_has_a_line_and_every_line_a_service() -> None:
    services = {door.name for door in doorways.ALL if door.kind == Kind.DIMSE} - {"DICOM TLS"}
    names = {"commitment": "storage commitment", "worklist": "modality worklist"}
    assert {names.get(line.path, line.path) for line in wire.LINES} == services


@pytest.mark.parametrize("job", [*jobs.MAY, "unregistered", ""])
def test_a_job_may_what_is_written_and_nothing_besides(house: House, job: str) -> None:
    may = set()
    for action in policy.NEEDS:
        try:
            permit(identify.system(job), action)
        except Forbidden:
            continue
        may.add(str(action))
    assert may == jobs.MAY.get(job, set())


def test_every_job_of_the_program_is_written() -> None:
    assert set(policy.SYSTEM_JOBS) == set(jobs.MAY)


def test_a_kind_of_work_that_nobody_registered_is_refused() -> None:
    with pytest.raises(Unavailable):
        tasks._handler("unregistered")


def test_a_line_is_one_way_of_asking() -> None:
    ways = [(line.method, line.path, line.given, line.sending, line.columns) for line in EVERYTHING]
    assert len(set(ways)) == len(ways)


@pytest.mark.parametrize("line", ["GET x  ......", "GET x  ...... . ..... .. ..  on x", "GET  ...... . ..... .. .."])
def test_a_line_with_a_letter_too_few_or_a_word_too_many_is_none(line: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read(line)


def test_every_letter_is_one_that_is_explained() -> None:
    assert set("".join(line.cells for line in EVERYTHING)) <= LETTERS.keys()
    assert len(set(COLUMNS)) == len(COLUMNS)
