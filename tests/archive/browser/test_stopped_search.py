"""A search that opened all it may says so on its page, and leads on from where it stopped."""

from typing import Any

import pytest

from tests.archive.browser.conftest import SignIn
from tests.archive.browser.reading import read
from tests.archive.browser.test_studies import Arrived, named


def test_a_search_that_stopped_says_so_and_goes_on_at_older(
    signed_in: SignIn, arrived: Arrived, radiologist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.query.scan.MOST_OPENED", 4)
    arrived(named("QQ^Old", StudyDate="20200101"), *(named("ZZ^New", StudyDate=f"2026010{day}") for day in range(1, 6)))
    browser = signed_in(radiologist)
    first = read(browser.post("/studies/", {"name": "*q*"}, HTTP_HX_REQUEST="true").content)
    assert "only the newest were looked at" in first.text
    assert "No study matches" not in first.text
    (older,) = (given["value"] for tag, given in first.elements if given.get("name") == "older")
    second = read(browser.post("/studies/", {"name": "*q*", "older": older}, HTTP_HX_REQUEST="true").content)
    assert "QQ, Old" in second.text
    assert "only the newest were looked at" not in second.text
