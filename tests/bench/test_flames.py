"""What a flame graph is folded into: every sample is counted once, and for the room whose lines it was in."""

import pytest

from bench import flames

BOX = (
    '<g><title>{name} ({width} samples, 1.00%)</title><rect x="0.0%" y="{depth}" width="1%" height="15"'
    ' fill="rgb(1,2,3)" fg:x="{at}" fg:w="{width}"/><text x="0.2%" y="1">x</text></g>'
)


def _drawn(*boxes: tuple[str, int, int, int]) -> str:
    """A flame graph of boxes: name, how deep, where it begins, how wide; in no order, as py-spy writes them."""
    made = [BOX.format(name=name, depth=52 + 16 * depth, at=at, width=width) for name, depth, at, width in boxes]
    return f"<svg>{''.join(reversed(made))}</svg>"


PICTURE = _drawn(
    ("all", 0, 0, 100),
    ("process 7:&quot;python manage.py serve dimse&quot;", 1, 0, 100),
    ("run (threading.py:1)", 2, 0, 90),
    ("store (archive/ingest.py:9)", 3, 0, 60),
    ("seal (vault/objects.py:20)", 4, 0, 25),
    ("execute (django/db/backends/utils.py:5)", 4, 25, 30),
    ("commit (audit/log.py:3)", 3, 60, 20),
    ("&lt;module&gt; (manage.py:1)", 2, 90, 10),
)
WAITED = [(("all", "put (archive/writer.py:5)", "Condition.wait (threading.py:295)"), 300)]


def test_every_sample_of_a_picture_is_in_exactly_one_stack() -> None:
    found = flames.stacks(PICTURE)
    assert sum(samples for _, samples in found) == 100
    assert {stack[-1]: samples for stack, samples in found} == {
        "seal (vault/objects.py:20)": 25,
        "execute (django/db/backends/utils.py:5)": 30,
        "store (archive/ingest.py:9)": 5,
        "commit (audit/log.py:3)": 20,
        "run (threading.py:1)": 10,
        "<module> (manage.py:1)": 10,
    }
    (deepest,) = [stack for stack, _ in found if stack[-1].startswith("seal")]
    assert [frame.partition(" ")[0] for frame in deepest] == ["all", "process", "run", "store", "seal"]


def test_a_frame_that_comes_back_beside_another_does_not_take_its_samples() -> None:
    twice = _drawn(("all", 0, 0, 9), ("a (vault/a.py:1)", 1, 0, 3), ("b (audit/b.py:1)", 1, 3, 3),
                   ("a (vault/a.py:1)", 1, 6, 3))  # fmt: skip
    assert [(stack[-1][0], samples) for stack, samples in flames.stacks(twice)] == [("a", 3), ("b", 3), ("a", 3)]


def test_what_others_do_counts_for_the_room_that_called_them() -> None:
    found = {one.room: (one.own, one.called) for one in flames.shares(flames.stacks(PICTURE))}
    assert found["archive"] == (0.05, 0.35)
    assert found["vault"] == (0.25, 0.25)
    assert found["audit"] == (0.20, 0.20)
    assert found["third-party"] == (0.50, 0.20)
    assert sum(own for own, _ in found.values()) == pytest.approx(1)
    assert sum(called for _, called in found.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("frame", "room"),
    [
        ("store (archive/ingest.py:9)", "archive"),
        ("migrate (accounts/migrations/0001_x.py:1)", "accounts"),
        ("loads (json/decoder.py:1)", "third-party"),
        ("archive (archive.py:1)", "third-party"),
        ("inner (site/archive/x.py:1)", "third-party"),
        ('process 7:"python /srv (archive/x)"', "third-party"),
        ("all", "third-party"),
    ],
)
def test_a_room_is_the_folder_of_ours_in_which_a_line_stands(frame: str, room: str) -> None:
    assert flames.room(frame) == room


def test_who_waits_takes_no_share_but_is_told_of() -> None:
    found = flames.stacks(PICTURE)
    assert flames.shares([*found, *WAITED]) == flames.shares(found)
    assert flames.waiting([*found, *WAITED]) == 0.75
    assert "Of 400 samples 75% were of threads that waited or ran no Python" in flames.table([*found, *WAITED])
    with pytest.raises(ValueError, match="no samples"):
        flames.shares(WAITED)


def test_no_samples_are_no_shares() -> None:
    with pytest.raises(ValueError, match="no samples"):
        flames.shares(flames.stacks("<svg></svg>"))


def test_a_table_names_every_room_once_the_largest_first() -> None:
    lines = flames.table(flames.stacks(PICTURE)).splitlines()[2:-2]
    assert lines[0] == "| archive | 5.0% | 35.0% |"
    assert {line.split("|")[1].strip() for line in lines} == {*flames.ROOMS, flames.OTHERS}
