"""No way of writing a call hides it from whoever looks for the calls that write to the record."""

import pytest

from tests.completeness import sites


@pytest.mark.parametrize(
    "source",
    [
        "from audit import log\ndef act():\n    log.commit([])",
        "from audit import log as told\ndef act():\n    told.append([])",
        "from audit.log import commit\ndef act():\n    commit([])",
        "from audit.log import begin as start\ndef act():\n    start(2, None)",
        "import audit.log\ndef act():\n    audit.log.begin(2, None)",
        "import accounts.gate as door\ndef act():\n    with door.change(None, None):\n        pass",
        "def act():\n    from audit.leases import view\n    view()",
    ],
)
def test_every_spelling_of_a_call_that_writes_is_found(source: str) -> None:
    assert [site.function for site in sites.calls(source, "one.py")] == ["act"]


def test_a_call_of_the_same_name_elsewhere_is_none() -> None:
    assert not list(sites.calls("from os import log\ndef act():\n    log.commit([])\n    commit()", "one.py"))


def test_the_first_event_of_a_later_log_is_among_the_calls() -> None:
    assert any(site.path == "audit/openings.py" for site in sites.sites())
