"""The audit of what is pinned tells offline from clean, and clean from vulnerable."""

import json
from datetime import date
from typing import Any

import pytest

from tests import vulnerable
from tests.vulnerable import Waiver

TODAY = date(2026, 11, 25)
KNOWN = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.0"]}
FOUND = {"name": "one", "version": "1.0", "vulns": [KNOWN]}
CLEAN = {"name": "two", "version": "1.0", "vulns": []}
SKIPPED = {"name": "three", "skip_reason": "not found"}


def verdict(*packages: dict[str, Any], waivers: tuple[Waiver, ...] = ()) -> vulnerable.Verdict:
    return vulnerable.judged(json.dumps({"dependencies": packages}), waivers, TODAY)


def waiver(until: date = TODAY, package: str = "one", identifier: str = "PYSEC-1") -> Waiver:
    return Waiver(identifier, package, until, "because")


@pytest.mark.parametrize("report", ["", "ConnectionError", "[]", "{}", "null"])
def test_nobody_asked_is_said_and_passes(report: str) -> None:
    told = vulnerable.judged(report, (), TODAY)
    assert told.passes
    assert "Not audited" in told.words[0]


def test_a_service_that_knows_not_one_package_has_not_called_them_clean() -> None:
    told = verdict(SKIPPED)
    assert told.passes
    assert "Not audited" in told.words[0]


def test_clean_packages_pass() -> None:
    assert verdict(CLEAN) == vulnerable.Verdict(("No known vulnerability.",), passes=True)


def test_one_package_that_nobody_knows_among_others_fails() -> None:
    assert not verdict(CLEAN, SKIPPED).passes


def test_a_vulnerability_fails_and_is_named() -> None:
    told = verdict(CLEAN, FOUND)
    assert not told.passes
    assert "PYSEC-1" in told.words[0]


@pytest.mark.parametrize("identifier", ["PYSEC-1", "CVE-1"])
def test_a_waiver_bears_one_vulnerability_of_one_package_to_the_end_of_its_day(identifier: str) -> None:
    assert verdict(FOUND, waivers=(waiver(identifier=identifier),)).passes
    assert not verdict(FOUND, waivers=(waiver(package="two", identifier=identifier),)).passes


def test_a_waiver_that_ended_fails() -> None:
    assert not verdict(FOUND, waivers=(waiver(date(2026, 11, 24)),)).passes


def test_a_waiver_of_what_is_not_there_any_more_fails() -> None:
    assert not verdict(CLEAN, waivers=(waiver(),)).passes


@pytest.mark.parametrize("line", ["PYSEC-1", "PYSEC-1 one", "PYSEC-1 one 2026-11-25", "PYSEC-1 one soon because"])
def test_a_waiver_without_a_day_or_a_reason_is_none(line: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        vulnerable.read(line)


def test_the_waivers_of_the_project_can_be_read() -> None:
    assert all(one.reason for one in vulnerable.read(vulnerable.WAIVERS.read_text(encoding="utf-8")))
