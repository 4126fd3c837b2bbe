"""What a ledger of HTTP answers says must be in the record, and how it differs from what is. Pure, and none of ours.

Facts are counted. An `event` counts how often something was answered; `sent` counts bytes of one instance that reached
one person for one use; `frame` says that one frame did. What reached nobody, or reached somebody within the last moment
before its process was killed, is possible: it may be in the record, and may not.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from pydicom import dcmread

from tests.e2e.witness import Line, Witness

LAST_SECONDS = 1.5
"""The second that the record may lose before a kill, and what a busy machine takes to write it down."""

_PLACE = re.compile(
    r"/dicom-web/studies(?:/(?P<study>[\d.]+))?(?:/series/(?P<series>[\d.]+))?(?:/instances/(?P<instance>[\d.]+))?"
    r"(?:/frames/(?P<frame>\d+))?(?:/(?P<what>instances|metadata|rendered|thumbnail))?(?:\?.*)?$"
)
_USES = {"metadata": "listed", "thumbnail": "previewed"}
Fact = tuple[Any, ...]


@dataclass
class Account:
    """Facts that must be in the record, and those that may be there beside them."""

    certain: Counter[Fact] = field(default_factory=Counter)
    possible: Counter[Fact] = field(default_factory=Counter)
    unknown: set[tuple[str, str]] = field(default_factory=set)
    """Of whom and which study something unknown may be there as well: an answer that never came, whatever it was."""
    at_risk: int = 0


def of_ledger(seen: Witness, owners: Mapping[str, str], kills: list[float], known: Mapping[str, set[str]]) -> Account:
    """The account of a ledger; `owners` says whose a token is, `known` which instances each study has."""
    account = Account()
    whole = {(line.token, line.path): line for line in seen.lines if line.complete}
    for line in seen.lines:
        killed = _killed(seen, line, kills)
        lost = not line.complete
        last = killed is not None and line.ended > killed - LAST_SECONDS
        account.at_risk += lost or last
        # What did not come would have been what came another time.
        answer = whole.get((line.token, line.path)) if lost else line
        if answer is None:
            account.unknown |= {(owners[line.token], study) for study in _studies(line.path)}
            continue
        for fact, count in _facts(owners[line.token], line.path, answer.status, answer.body, known):
            movable = fact[0] in ("sent", "frame")
            (account.possible if lost or (last and movable) else account.certain)[fact] += count
    return account


def _studies(path: str) -> set[str]:
    """The studies that the events of an answer would name; a search, be it within one, is of none."""
    found = _PLACE.match(path)
    assert found, path
    return {found["study"] or "", *([""] if found["what"] == "instances" else [])}


def _killed(seen: Witness, line: Line, kills: list[float]) -> float | None:
    """When the process that answered was killed, if it was."""
    broken = seen.broken.get(line.connection)
    if broken is None:
        return None
    before = [at for at in kills if at <= broken]
    assert before, f"a connection broke and nothing was killed: {line.path} {line.status}"
    return max(before)


def _facts(
    person: str, path: str, status: int, body: bytes, known: Mapping[str, set[str]]
) -> Iterable[tuple[Fact, int]]:
    found = _PLACE.match(path)
    assert found, path
    study, what = found["study"] or "", found["what"]
    if not study or what == "instances":
        yield from _searched(person, study, status, body, known)
        return
    if status != 200:
        there = study in known and (not found["instance"] or found["instance"] in known[study])
        outcome = "denied" if status == 403 or there else "not-found"
        yield ("event", person, "study:view", outcome, study, ()), 1
        return
    yield ("viewed", person, study), 1
    use = _USES.get(what, "retrieved")
    for series, instance, size in _instances(found, body):
        yield ("sent", person, study, series, instance, use), size
        if found["frame"]:
            yield ("frame", person, study, series, instance, use, int(found["frame"])), 1


def _searched(
    person: str, study: str, status: int, body: bytes, known: Mapping[str, set[str]]
) -> Iterable[tuple[Fact, int]]:
    if status == 403:
        yield ("event", person, "study:search", "denied", "", ()), 1
        return
    rows = json.loads(body) if body else []
    listed = tuple(sorted({row["0020000D"]["Value"][0] for row in rows}))
    yield ("event", person, "study:search", "ok", "", listed), 1
    if study and not rows:
        yield ("event", person, "study:search", "denied" if study in known else "not-found", study, ()), 1


def _instances(found: "re.Match[str]", body: bytes) -> Iterable[tuple[str, str, int]]:
    """Which instances an answer had, and how many bytes of each."""
    if found["instance"]:
        yield found["series"], found["instance"], len(body) - (found["what"] == "metadata")  # the closing bracket
        return
    boundary = body[: body.index(b"\r\n")]
    for part in body.split(boundary)[1:-1]:
        file = part[part.index(b"\r\n\r\n") + 4 : -2]
        header = dcmread(BytesIO(file), stop_before_pixels=True)
        yield header.SeriesInstanceUID, header.SOPInstanceUID, len(file)


def of_record(events: Iterable[Mapping[str, Any]]) -> Counter[Fact]:
    """The same facts as the record tells them, whoever stands there."""
    told: Counter[Fact] = Counter()
    for event in events:
        person, study, action = event["person"], event["study"], event["action"]
        if action == "study:delivered":
            for series, instances in event["details"]["instances"].items():
                for instance, (frames, size) in instances.items():
                    name = (person, study, series, instance, event["details"]["use"])
                    told[("sent", *name)] += size
                    told.update({("frame", *name, frame): 1 for frame in frames})
        elif action == "study:view" and event["outcome"] == "ok":
            told[("viewed", person, study)] += 1
        elif action in ("study:view", "study:search"):
            told[("event", person, action, event["outcome"], study, tuple(sorted(event["listed"])))] += 1
    return told


def differences(account: Account, told: Counter[Fact]) -> list[str]:
    """Everything that the record lacks, and everything that it has too much, in words."""
    found = []
    for fact in account.certain.keys() | account.possible.keys() | told.keys():
        least, most, has = account.certain[fact], account.certain[fact] + account.possible[fact], told[fact]
        if fact[0] in ("frame", "viewed"):
            # The record says them once for many: a frame in a row, a view in a lease.
            least, most, has = min(least, 1), min(most, 1), min(has, 1)
        if has < least:
            found.append(f"missing: {fact} {has} of {least}")
        if has > most and not account.unknown & _about(fact):
            found.append(f"too much: {fact} {has} beside {most}")
    return found


def _about(fact: Fact) -> set[tuple[str, str]]:
    """Whom and which studies a fact is about."""
    studies = (fact[4], *fact[5]) if fact[0] == "event" else (fact[2],)
    return {(fact[1], study) for study in studies}
