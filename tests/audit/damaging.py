"""Ways to damage an export of the log, with what a verifier outside must answer to each.

`python -m tests.audit.damaging` writes `tests/audit/damaged/` anew out of the two exports there that are whole. Those
two were written by the program once and stay as they are: every later version must be able to judge them.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.rows import GENESIS

KEPT = Path(__file__).parent / "damaged"
Lines = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Damage:
    """What is done to which whole export, and the exit code and words that name it."""

    code: int
    words: str
    do: Callable[[Lines], Lines]
    source: str = "intact"


def read(name: str) -> Lines:
    return [json.loads(line) for line in (KEPT / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def written(lines: Lines) -> str:
    return "".join(json.dumps(one, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n" for one in lines)


def rows(lines: Lines) -> Lines:
    return [one for one in lines if "told" in one]


def heads(lines: Lines) -> Lines:
    return [one for one in lines if "checkpoint" in one]


def rechained(lines: Lines) -> Lines:
    """Number and chain all rows anew, as somebody would who knows the format and not the signing key."""
    done, previous = [], GENESIS
    for seq, one in enumerate(rows(lines), 1):
        told = {**one["told"], "seq": seq}
        text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        leaf = hashlib.sha256(b"\0" + text.encode()).digest()
        previous = hashlib.sha256(b"\2" + previous + seq.to_bytes(8, "big") + leaf).digest()
        done.append({"told": told, "leaf": leaf.hex(), "row": previous.hex()})
    return [*done, *heads(lines)]


def edited(column: str, value: object, at: int) -> Callable[[Lines], Lines]:
    """Change one column of the row at a place, and nothing else."""

    def do(lines: Lines) -> Lines:
        one = lines[at]
        return [*lines[:at], {**one, "told": {**one["told"], column: value}}, *lines[at + 1 :]]

    return do


def without(first: int, last: int) -> Callable[[Lines], Lines]:
    """Remove the rows from one number to another."""
    return lambda lines: [one for one in lines if "told" not in one or not first <= one["told"]["seq"] <= last]


def _swapped(lines: Lines) -> Lines:
    two, three = lines[1], lines[2]
    return [
        lines[0],
        {**three, "told": {**three["told"], "seq": 2}},
        {**two, "told": {**two["told"], "seq": 3}},
        *lines[3:],
    ]


def _inserted(lines: Lines) -> Lines:
    return rechained([*lines[:3], {"told": {**lines[2]["told"], "id": "cd" * 16}}, *lines[3:]])


def _regrown(lines: Lines) -> Lines:
    """Yesterday's rows, others in the place of today's, and no head that was signed today."""
    return [*rows(rechained([*lines[:5], *(edited("actor_name", "other", 0)(lines[:4]))])), heads(lines)[0]]


def _forged(lines: Lines) -> Lines:
    first, *later = heads(lines)
    return [*rows(lines), {**first, "checkpoint": first["checkpoint"].replace("\n5\n", "\n4\n")}, *later]


DAMAGES: dict[str, Damage] = {
    "intact": Damage(0, "intact", list),
    "restored": Damage(4, "a backup that ends at row 5: rows 6 to 9", list, "restored"),
    "edited-actor": Damage(1, "row 3 was edited", edited("actor_name", "other", 2)),
    "edited-count": Damage(1, "row 5 was edited", edited("count", 4, 4)),
    "edited-details": Damage(1, "row 2 was edited", edited("details_sha256", "00" * 32, 1)),
    "edited-listing": Damage(1, "row 3 was edited", edited("listed", ["1.2", "1.9"], 2)),
    "edited-time": Damage(1, "row 9 was edited", edited("time_us", 1, 8)),
    "edited-and-rechained": Damage(
        1,
        "rows 1 to 5 are not those that",
        lambda lines: rechained(edited("actor_name", "other", 2)(lines)),
    ),
    "inserted-and-rechained": Damage(1, "rows 1 to 5 are not those that", _inserted),
    "removed-first": Damage(1, "row 1 is missing", without(1, 1)),
    "removed-middle": Damage(1, "row 5 is missing", without(5, 6)),
    "removed-and-rechained": Damage(1, "rows 1 to 5 are not", lambda lines: rechained(without(4, 4)(lines))),
    "removed-last": Damage(2, "9 rows were signed (the table), but the log ends at row 8", without(9, 9)),
    "swapped": Damage(1, "row 2 was edited", _swapped),
    "cut-with-its-heads": Damage(2, "but the log ends at row 5", lambda lines: [*lines[:5], heads(lines)[0]]),
    "cut-with-all-heads": Damage(2, "but the log ends at row 4", lambda lines: lines[:4]),
    "emptied": Damage(2, "but the log ends at row 0", lambda _: []),
    "regrown-after-a-cut": Damage(2, "rows 6 to 9 are not those that", _regrown),
    "forged-head": Damage(3, "a checkpoint at the table does not verify", _forged),
    "time-turned-back": Damage(
        3,
        "row 10 was written before row 9",
        lambda lines: rechained([*rows(lines), edited("time_us", 1, 0)(lines)[0], *heads(lines)]),
    ),
    "time-ahead": Damage(
        3,
        "row 10 was written in the future",
        lambda lines: rechained([*rows(lines), edited("time_us", 2**52, 0)(lines)[0], *heads(lines)]),
    ),
    "restored-and-edited": Damage(1, "row 4 was edited", edited("outcome", "ok", 3), "restored"),
    "restored-and-its-next-log-edited": Damage(
        1, "log 2: row 2 was edited", edited("actor_name", "other", 6), "restored"
    ),
    "cut-short-of-the-restored": Damage(2, "but the log ends at row 4", without(5, 5), "restored"),
}

if __name__ == "__main__":
    for name, damage in DAMAGES.items():
        if name != damage.source:
            (KEPT / f"{name}.jsonl").write_text(written(damage.do(read(damage.source))), encoding="utf-8")
