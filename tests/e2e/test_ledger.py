"""Ten people, four web processes that are killed, and a ledger kept outside: the record says what left, and no more.

PACS_TEST_LEDGER gives the number of accesses, PACS_TEST_LEDGER_SEED what they are and which processes die when.
"""

import json
import os
import random  # noqa: TID251 - what is asked and who dies must be repeatable
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests import builders, services
from tests.e2e import accounting
from tests.e2e.accounting import Account, Fact
from tests.e2e.conftest import Login, SetUp, populate
from tests.e2e.running import ROOT, Archive, running, wait_for
from tests.e2e.traffic import stow
from tests.e2e.witness import Witness, witness

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ACCESSES = int(os.environ.get("PACS_TEST_LEDGER", "600"))
SEED = int(os.environ.get("PACS_TEST_LEDGER_SEED", "20260301"))
PROCESSES = 4
KILLS = 4
PAUSE = 2.0  # the web server ends as a whole where its processes die in quick succession
MOST_AT_RISK = 0.35
SENDERS = {"tom": 3, "carl": 2}
HEADERS = {"Accept-Encoding": "identity"}
ANY = {
    "frame": "application/octet-stream; transfer-syntax=*",
    "instance": "application/dicom; transfer-syntax=*",
    "study": 'multipart/related; type="application/dicom"; transfer-syntax=*',
    "rendered": "image/jpeg",
    "thumbnail": "image/jpeg",
}
KINDS = ("frame",) * 8 + (
    "metadata",
    "instance",
    "search",
    "within",
    "thumbnail",
    "rendered",
    "study",
    "missed",
    "lost",
)


@dataclass
class Told:
    """What came of a run: the account of the ledger, the record and its reports, and whom they speak of."""

    account: Account
    record: dict[str, Any]
    studies: list[list[Dataset]]
    kills: int
    lines: int

    @property
    def facts(self) -> Counter[Fact]:
        return accounting.of_record(self.record["events"])


@pytest.fixture(scope="module")
def told(prepared_large: SetUp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """One run, and what is left on record when everything has ended."""
    root = tmp_path_factory.mktemp("ledger") / "custos"
    shutil.copytree(prepared_large.root, root)
    url = services.create_database("ledger", prepared_large.extra["PACS_DATABASE_URL"])
    archive = Archive(root, {**prepared_large.extra, "PACS_DATABASE_URL": url, "PACS_WEB_WORKERS": str(PROCESSES)})
    try:
        yield _run(archive, dict(prepared_large.logins))
    finally:
        services.drop_database(url)


def _run(archive: Archive, logins: dict[str, Login]) -> Told:
    logins |= populate(archive, "more")
    with running(archive), witness(archive.web_port, archive.root / "tls") as seen:
        studies = [study for name, count in SENDERS.items() for study in _sent(archive, logins[name], count)]
        kills = _visited(archive, seen, logins, studies)
        wait_for(lambda: len(archive.web_workers()) == PROCESSES, 30, "every process again")
    known = {study[0].StudyInstanceUID: {ds.SOPInstanceUID for ds in study} for study in studies}
    owners = {login.token: name for name, login in logins.items()}
    account = accounting.of_ledger(seen, owners, kills, known)
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.telling", *known],
        cwd=ROOT,
        env={**archive.environment, "DJANGO_SETTINGS_MODULE": "pacs.settings"},
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    return Told(account, json.loads(done.stdout), studies, len(kills), len(seen.lines))


def _sent(archive: Archive, sender: Login, count: int) -> Iterator[list[Dataset]]:
    for _ in range(count):
        study = builders.study(5)
        study[2].NumberOfFrames, study[2].PixelData = 3, study[2].PixelData * 3
        assert stow(archive.session(sender.token), archive, study).status_code == 200
        yield study


def _visited(archive: Archive, seen: Witness, logins: dict[str, Login], studies: list[list[Dataset]]) -> list[float]:
    """Let everybody do their share at once, kill one process after another meanwhile; return when."""
    people = [
        threading.Thread(target=_visit, args=(seen, login, studies, random.Random(f"{SEED} {name}")))
        for name, login in sorted(logins.items())
    ]
    for one in people:
        one.start()
    kills, choice = [], random.Random(SEED)
    due = sorted(choice.sample(range(ACCESSES // 10, ACCESSES * 8 // 10), KILLS))
    while due and any(one.is_alive() for one in people):
        time.sleep(0.02)
        living = archive.web_workers() if len(seen.lines) >= due[0] else []
        if len(living) == PROCESSES:
            os.kill(choice.choice(living), signal.SIGKILL)
            kills.append(time.monotonic())
            time.sleep(PAUSE)
            del due[0]
    for one in people:
        one.join(300)
    return kills


def _visit(seen: Witness, login: Login, studies: list[list[Dataset]], choice: random.Random) -> None:
    """One person's accesses, one after another; what breaks off is not asked again."""
    with requests.Session() as client:
        client.trust_env, client.verify = False, str(seen.authority)
        client.headers.update({**HEADERS, "Authorization": f"Bearer {login.token}"})
        for _ in range(ACCESSES // 10):
            kind = choice.choice(KINDS)
            path = _path(kind, choice.choice(studies), choice)
            try:
                client.get(
                    f"https://localhost:{seen.port}/dicom-web/studies{path}",
                    headers={"Accept": ANY.get(kind, "application/dicom+json")},
                    timeout=60,
                )
            except requests.RequestException:
                time.sleep(0.2)


def _path(kind: str, study: list[Dataset], choice: random.Random) -> str:
    image = choice.choice(study)
    of_study = f"/{image.StudyInstanceUID}"
    instance = f"{of_study}/series/{image.SeriesInstanceUID}/instances/{image.SOPInstanceUID}"
    frame = choice.randint(1, int(image.get("NumberOfFrames", 1)))
    return {
        "search": "?limit=50",
        "within": f"{of_study}/instances",
        "study": of_study,
        "instance": instance,
        "frame": f"{instance}/frames/{frame}",
        "metadata": f"{instance}/metadata",
        "rendered": f"{instance}/rendered",
        "thumbnail": f"{instance}/thumbnail",
        "missed": f"/{generate_uid()}/metadata",
        "lost": f"{of_study}/series/{image.SeriesInstanceUID}/instances/{generate_uid()}/metadata",
    }[kind]


def test_the_record_says_what_the_ledger_says(told: Told) -> None:
    assert told.lines >= ACCESSES * 0.99
    assert told.kills >= 2
    assert accounting.differences(told.account, told.facts) == []
    # What a kill left open is little: the comparison is one of nearly everything.
    assert told.account.at_risk < told.lines * MOST_AT_RISK
    kinds = Counter(fact[0] for fact in told.account.certain)
    assert all(kinds[kind] > 10 for kind in ("event", "viewed", "sent", "frame")), kinds


def test_one_thing_dropped_from_the_record_is_missing_and_one_added_is_too_much(told: Told) -> None:
    account, facts = told.account, told.facts
    for fact, count in account.certain.items():
        without = facts - Counter({fact: facts[fact] if fact[0] in ("frame", "viewed") else facts[fact] - count + 1})
        assert [one.partition(":")[0] for one in accounting.differences(account, without)] == ["missing"], fact
        if fact[0] in ("event", "sent") and not account.unknown:
            more = facts + Counter({fact: account.possible[fact] + count + 1})
            assert [one.partition(":")[0] for one in accounting.differences(account, more)] == ["too much"], fact
    stranger = ("viewed", "mallory", told.studies[0][0].StudyInstanceUID)
    assert len(accounting.differences(account, facts + Counter({stranger: 1}))) == 1


def test_any_one_row_of_deliveries_that_was_never_written_is_missed(told: Told) -> None:
    events = told.record["events"]
    rows = [at for at, event in enumerate(events) if event["action"] == "study:delivered"]
    assert len(rows) > 10
    unseen = [at for at in rows if not _missed(told, events[:at] + events[at + 1 :])]
    # Only what reached people in the last moment before a kill could be left out unseen.
    assert len(unseen) < len(rows) * MOST_AT_RISK


def _missed(told: Told, events: list[dict[str, Any]]) -> list[str]:
    return accounting.differences(told.account, accounting.of_record(events))


@pytest.mark.parametrize("number", range(sum(SENDERS.values())))
def test_the_report_on_a_patient_says_what_the_ledger_says(told: Told, number: int) -> None:
    study = told.studies[number][0].StudyInstanceUID
    report = told.record["reports"][study]
    certain = _expected(told.account.certain, study)
    most = _expected(told.account.certain + told.account.possible, study)
    seen = {person: lines[0] for person, lines in report["saw"].items()}
    assert all(len(lines) == 1 for lines in report["saw"].values())
    assert certain["saw"].keys() <= seen.keys() <= most["saw"].keys()
    for person, uses in certain["saw"].items():
        least, numbers = [len(uses[use]) for use in sorted(uses)], list(seen[person])
        assert not numbers or numbers.pop(1) == len(told.studies[number]), report["saw"]
        assert len(numbers) >= len(least)
        upper = [len(most["saw"][person][use]) for use in sorted(most["saw"][person])]
        if len(least) == len(upper):
            assert all(low <= has <= high for low, has, high in zip(least, numbers, upper, strict=True))
    # An answer that never came may have been of this study, whatever it was: who asked may have one line more.
    unsure = {person for person, uid in told.account.unknown if uid in ("", study)}
    for part in ("searched", "refused"):
        told_of = Counter({person: len(lines) for person, lines in report[part].items()})
        assert certain[part] <= told_of, part
        assert Counter({person: told_of[person] for person in told_of.keys() - unsure}) <= most[part], part


def _expected(facts: Counter[Fact], study: str) -> dict[str, Any]:
    """Each part of the report on the patient of a study: instances by person and use, and counts by person."""
    saw: dict[str, dict[str, set[str]]] = {fact[1]: {} for fact in facts if fact[0] == "viewed" and fact[2] == study}
    searched, refused = Counter[str](), Counter[str]()
    for fact, count in facts.items():
        if fact[0] == "sent" and fact[2] == study:
            saw[fact[1]].setdefault(fact[5], set()).add(fact[4])
        elif fact[0] == "event":
            searched[fact[1]] += count * (study in fact[5])
            refused[fact[1]] += count * (fact[3] != "ok" and fact[4] == study)
    return {"saw": saw, "searched": +searched, "refused": +refused}
