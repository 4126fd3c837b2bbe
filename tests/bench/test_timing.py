"""The measure of what time tells: it finds a leak that is there, and none that is not, however the machine stutters."""

from random import Random  # noqa: TID251 - the same stutter in every run

import pytest

from accounts.models import Person
from bench.works import timing
from bench.works.timing import BOUND, LEAK, Pair, interval, measure
from tests.conftest import Installation


class Clock:
    """Time that passes when somebody works, with a stutter now and then that is longer than any leak."""

    def __init__(self) -> None:
        self.now, self.random = 0.0, Random(1)

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float) -> None:
        self.now += seconds * self.random.uniform(0.8, 1.6) + (0.2 if self.random.random() < 0.1 else 0)


def test_the_interval_holds_the_middle_and_narrows_with_more_pairs() -> None:
    few, many = interval(list(range(-50, 51))), interval([one / 100 for one in range(-5000, 5001)])
    assert few.low < few.middle == 0 < few.high
    assert (few.low, few.high) == (-10, 10)
    assert many.high - many.low < few.high - few.low
    assert interval([1.0] * 50 + [1e9] * 5) == timing.Interval(1.0, 1.0, 1.0)


def test_a_few_pairs_tell_nothing() -> None:
    with pytest.raises(ValueError, match="Fewer than ten"):
        interval([0.0] * 9)


@pytest.mark.parametrize("leak", [0, LEAK, -LEAK, 0.008])
def test_a_leak_is_found_and_stutter_is_none(leak: float) -> None:
    clock, begun = Clock(), 0.030
    pair = Pair("", lambda: clock.work(begun + max(leak, 0)), lambda: clock.work(begun + max(-leak, 0)))
    found = measure(pair, 2000, clock)
    assert found.within(BOUND) == (leak == 0), found
    assert found.beyond(BOUND) == (leak > 0), found


def test_what_puts_the_archive_back_is_done_before_each_request_and_never_measured() -> None:
    clock, before = Clock(), list[int]()

    def put_back() -> None:
        before.append(1)
        clock.now += 5

    assert measure(Pair("", lambda: None, lambda: None, put_back), 10, clock) == timing.Interval(0, 0, 0)
    assert len(before) == 2 * (10 + 3)


@pytest.mark.slow
def test_every_pair_is_answered_as_the_measure_expects(installation: Installation, radiologist: Person) -> None:
    for pair in timing.compared():
        for act in (pair.there, pair.nobody):
            pair.before()
            act()
