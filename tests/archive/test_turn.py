"""Who tends the packs does so alone, in the whole installation."""

import pytest

from archive import turn
from archive.errors import Unavailable
from tests.audit.test_turns import holder, said
from tests.conftest import Installation


@pytest.mark.both_databases
def test_a_second_care_of_the_packs_is_told_to_wait(installation: Installation) -> None:
    with holder(installation, turn.TENDING) as other:
        assert said(other)
        with pytest.raises(Unavailable, match="Another care of the packs is under way"), turn.tending():
            raise AssertionError("Two at once.")
        other.communicate()
    with turn.tending():
        pass
