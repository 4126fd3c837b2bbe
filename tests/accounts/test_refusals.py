"""A study of others and no study at all cost the same work, down to the statements sent to the database."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import gate
from accounts.errors import NotVisible
from accounts.models import Person
from audit.alerts import BURST
from tests.accounts.conftest import THEIRS, UNKNOWN, ActorOf
from tests.accounts.recorded import count

pytestmark = pytest.mark.usefixtures("installation", "two_studies")


def statements(ask: Callable[[], object]) -> list[str]:
    """The kinds of statements that one refusal sends, in their order."""
    with CaptureQueriesContext(connection) as sent, pytest.raises(NotVisible):
        ask()
    return [found[0] for query in sent if (found := re.match(r"\w+( \w+)?", query["sql"]))]


@pytest.mark.both_databases
def test_a_denial_and_a_miss_send_the_same_statements_also_when_they_raise_an_alert(
    radiologist: Person, outsider: Person, actor_of: ActorOf
) -> None:
    denied, missed = actor_of(radiologist), actor_of(outsider)
    before = count()
    # The first refusals warm what a process keeps: keys, the epoch.
    statements(lambda: gate.view(denied, THEIRS, found=True))
    statements(lambda: gate.view(missed, UNKNOWN, found=False))
    for _turn in range(BURST):
        one = statements(lambda: gate.view(denied, THEIRS, found=True))
        other = statements(lambda: gate.view(missed, UNKNOWN, found=False))
        assert one == other
    assert any("INSERT INTO" in sent for sent in one), "the last ones raised the alert"
    assert count() == before + 2 * (BURST + 1)
