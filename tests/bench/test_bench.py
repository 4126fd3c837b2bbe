"""The arithmetic of the bench: nothing is met that was not measured, and a verdict can be judged again."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import runner
from bench.goals import BY_WORK, GOALS, UNJUDGED
from bench.rows import Pair, judged_again, row

GOAL = BY_WORK["WADO-RS single frames, 1 client"]
rates = st.floats(min_value=0.001, max_value=1e9)


def test_the_ratio_is_the_median_of_the_pairs_and_the_extremes_are_kept() -> None:
    found = row(GOAL, "frames/s", [Pair(200, 100), Pair(90, 100), Pair(330, 110)])
    assert (found.ratio, found.min, found.max, found.pairs) == (2.0, 0.9, 3.0, 3)
    assert found.met


def test_a_machine_that_slows_down_for_a_while_does_not_change_the_verdict() -> None:
    steady = [Pair(150, 100)] * 5
    slowed = [Pair(150, 100)] * 3 + [Pair(15, 10)] * 2
    assert row(GOAL, "x", steady).ratio == row(GOAL, "x", slowed).ratio


@given(st.lists(st.builds(Pair, rates, rates), min_size=1, max_size=15))
def test_a_work_is_met_exactly_when_its_ratio_reaches_the_bar(pairs: list[Pair]) -> None:
    found = row(GOAL, "x", pairs)
    assert found.met == (found.ratio >= GOAL.must)
    assert found.min <= found.ratio <= found.max


@pytest.mark.parametrize("pairs", [[], [Pair(0, 1)], [Pair(1, 0)], [Pair(1, 1), Pair(-1, 1)]])
def test_nothing_measured_is_nothing_met(pairs: list[Pair]) -> None:
    with pytest.raises(ValueError, match="no pairs"):
        row(GOAL, "x", pairs)


def test_a_kept_verdict_that_does_not_follow_from_its_ratio_is_seen() -> None:
    kept = row(GOAL, "x", [Pair(100, 100)]).as_dict()
    assert judged_again(kept, GOAL)
    assert not judged_again({**kept, "met": True}, GOAL)
    assert not judged_again({**kept, "must": 0.5, "met": True}, GOAL)


def test_both_sides_run_in_turn_and_the_first_run_of_each_is_not_counted() -> None:
    order: list[str] = []

    def side(name: str, rate: float) -> float:
        order.append(name)
        return rate

    work = runner.Work(GOAL.work, "x", lambda: side("ours", 30), lambda: side("peer", 10))
    assert runner.measure(work, 3).pairs == 3
    assert order == ["ours", "peer"] * 4


def test_results_are_kept_whole_as_json_and_as_a_table_with_every_column(tmp_path: Path) -> None:
    kept = runner.results([row(GOAL, "frames/s", [Pair(100, 100)])], datetime(2026, 1, 2, tzinfo=UTC))
    data, table = runner.keep(kept, tmp_path)
    assert json.loads(data.read_text()) == kept
    words = table.read_text()
    assert all(f"| {name} " in words for name in runner.HEAD)
    assert "**no**" in words
    assert not list(tmp_path.glob("*.tmp"))


def test_every_bar_is_above_zero_and_the_next_one_above_it() -> None:
    assert len(BY_WORK) == len(GOALS) + len(UNJUDGED)
    assert all(0 < goal.must <= goal.then for goal in GOALS)


def test_the_works_that_can_be_measured_have_goals() -> None:
    from bench.choosing import MODULES

    assert {name for module in MODULES for name in module.NAMES} <= set(BY_WORK)
