"""Growth and figures of many numbers: which sizes are measured, what is made of them, and what a picture is."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import figures, growth, plots
from bench.choosing import MODULES, chosen
from bench.growth import GROWING, Point
from bench.runner import Scale, Work


def test_every_work_that_grows_is_one_that_can_be_measured() -> None:
    assert set(GROWING) <= {name for module in MODULES for name in module.NAMES}


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("work", GROWING)
def test_each_work_has_three_sizes_that_are_as_far_apart_as_they_say(work: str, quick: bool) -> None:
    one = GROWING[work]
    assert one.steps in (growth.FAR, growth.NEAR)
    scales = one.scales(quick=quick)
    assert all(scale.alone and scale.quick == quick for scale in scales)
    sizes = [one.count(scale) for scale in scales]
    assert sizes[0] >= 1
    assert [round(size / sizes[0]) for size in sizes] == list(one.steps) or quick
    assert sizes == sorted(set(sizes))


def test_a_scale_of_one_leaves_every_number_as_it_was() -> None:
    assert [Scale().of(500), Scale(quick=True).of(500), Scale().grown(382), Scale(quick=True).of(3)] == [
        500,
        100,
        382,
        1,
    ]


def test_a_rate_of_answers_about_all_is_divided_among_them() -> None:
    metadata = GROWING["WADO-RS metadata of a 500-instance series"]
    assert metadata.seconds(20.0, 500) == pytest.approx(0.0001)
    assert GROWING["WADO-RS single frames, 1 client"].seconds(20.0, 500) == 0.05


def test_a_point_is_the_median_of_the_runs_after_one_that_is_not_counted() -> None:
    rates = iter([1.0, 10.0, 100.0, 20.0])
    work = Work("WADO-RS single frames, 1 client", "frames/s", lambda: next(rates), lambda: 0.0)
    assert growth.point(work, Scale(pairs=3, size=0.1)) == Point(50, 0.05, 0.0)


def test_what_is_kept_says_how_much_slower_the_largest_is_and_the_table_shows_every_size() -> None:
    one = GROWING["WADO-RS single frames, 1 client"]
    points = [Point(50, 0.002, 400.0), Point(150, 0.002, 410.0), Point(500, 0.003, 430.0)]
    kept = growth.entry(one, points, "there.png")
    assert (kept["times"], kept["memory"], kept["steps"]) == (1.5, 30.0, [1, 3, 10])
    row = growth.table([kept]).splitlines()[-1]
    assert "| 50 / 150 / 500 slices in the series | 2 / 2 / 3 frame | 1.50 | 400 / 410 / 430 | +30 |" in row


def test_growth_of_what_has_no_size_is_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert growth.run(["sealing"], quick=True) == 1
    assert "None of these works has a size" in capsys.readouterr().err


def test_works_are_chosen_by_their_file_or_by_a_word_of_their_name() -> None:
    assert len(chosen(["frames"]).names) == 4
    assert chosen(["cstore"]).programs() == {"Orthanc", "strace"}
    assert chosen(["cstore"]).programs(alone=True) == {"strace"}
    assert not chosen(["sealing"]).modules
    assert chosen([]).names == {name for module in MODULES for name in module.NAMES}


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [
        (range(1, 101), 0.5, 50),
        (range(1, 101), 0.95, 95),
        (range(1, 101), 0.99, 99),
        (range(1, 21), 0.95, 19),
        ([7], 0.99, 7),
    ],
)
def test_a_percentile_is_what_so_many_do_not_exceed(values: Any, share: float, found: float) -> None:
    assert figures.percentile(list(reversed(values)), share) == found


def test_there_is_no_percentile_of_nothing_and_no_slope_of_one_moment() -> None:
    with pytest.raises(ValueError, match="no values"):
        figures.percentile([], 0.5)
    with pytest.raises(ValueError, match="two moments"):
        figures.slope([(1.0, 2.0), (1.0, 3.0)])


@given(
    st.integers(-50, 50), st.integers(-1000, 1000), st.lists(st.integers(0, 500), min_size=5, max_size=30, unique=True)
)
def test_the_slope_of_a_line_is_its_slope_even_with_one_point_far_away(
    rise: int, start: int, moments: list[int]
) -> None:
    points = [(float(x), float(rise * x + start)) for x in moments]
    assert figures.slope(points) == pytest.approx(rise)
    points[len(points) // 2] = (points[len(points) // 2][0], 1e9)
    assert figures.slope(points) == pytest.approx(rise)


def test_a_picture_of_growth_is_a_png_with_a_row_for_each_work(tmp_path: Path) -> None:
    points = [Point(5, 0.1, 10.0), Point(50, 0.1, 10.0), Point(500, 0.2, 11.0)]
    plots.growth(tmp_path / "new" / "one.png", [("a work", "frame", "frames", points)] * 2)
    assert (tmp_path / "new" / "one.png").read_bytes().startswith(b"\x89PNG")
