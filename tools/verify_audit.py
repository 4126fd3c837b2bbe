"""Verify a Custos audit log from outside: one file, the standard library alone, nothing of the program it judges.

    python -I verify_audit.py --key 'custos/…+hash+key' [--anchor DIR]… [--notes FILE]… LOG

LOG is the SQLite database (opened read-only) or the lines that `manage.py audit export --rows` prints. The key is what
`manage.py audit key` printed when it was noted down elsewhere. Exit codes: 0 intact, 1 edited, 2 cut or rolled back,
3 a signature or a clock, 4 restored from a backup, as the first row of a later log says in clear, and otherwise
intact, 9 not verified. The format stands in docs/AUDIT.md. Every log is walked; signatures are read of the key's.
"""

import argparse
import base64
import hashlib
import json
import re
import sqlite3
import sys
import time
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

TEXTS = (
    *("action", "outcome", "actor_kind", "actor_key", "actor_name", "actor_role", "actor_address", "actor_ae_title"),
    *("actor_session", "request_id", "purpose", "study_uid", "patient"),
)
NUMBERS = ("version", "log", "seq", "time_us", "count")
UUIDS = ("id", "sitting", "details_key")
COLLECTED = re.compile("custos-note ((?:[A-Za-z0-9+/]{4}){10,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)")
AHEAD_SECONDS = 300
TABLE = "the table"


class Row(NamedTuple):
    """One event: what the leaf is made of, and the two hashes as stored."""

    told: dict[str, Any]
    leaf: bytes
    row: bytes


class Signed(NamedTuple):
    """A signed head: how many rows, the root, and who holds it."""

    size: int
    root: bytes
    place: str


class Verdict:
    """What is wrong, with the exit code of each finding."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []
        self.about = ""

    def add(self, code: int, words: str) -> None:
        self.found.append((code, self.about + words))

    @property
    def code(self) -> int:
        return min((code for code, _ in self.found), default=0)


# Ed25519 verification, RFC 8032 §5.1, with the plain formulas of its §6.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def add(one: Point, two: Point) -> Point:
    a, b = (one[1] - one[0]) * (two[1] - two[0]) % P, (one[1] + one[0]) * (two[1] + two[0]) % P
    c, d = 2 * one[3] * two[3] * D % P, 2 * one[2] * two[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(number: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, point)
        point, number = add(point, point), number >> 1
    return total


def decompress(data: bytes) -> Point | None:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT_OF_MINUS_ONE % P
    if x * x % P != square or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = decompress(BASE_Y.to_bytes(32, "little"))


def signature_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    key, commitment = decompress(public), decompress(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or key is None or commitment is None or BASE is None or scalar >= L:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = multiply(scalar, BASE), add(commitment, multiply(challenge, key))
    same_x = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % P == 0


# What is read: the lines of an export, be they written down or made from a database.
def entries_of_database(path: Path) -> Iterator[dict[str, Any]]:
    """What an export of a SQLite database would say, opened so that nothing can be written."""
    names = [*TEXTS, *NUMBERS, *UUIDS]
    query = ", ".join(f'"{name}"' for name in [*names, "details", "leaf", "row"])
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        listed: dict[tuple[int, int], list[str]] = {}
        for log, seq, at, uid in database.execute("SELECT log, seq, position, study_uid FROM audit_listed ORDER BY 3"):
            uids = listed.setdefault((log, seq), [])
            uids.append(uid if at == len(uids) else f"{uid}, out of its place")
        for values in database.execute(f"SELECT {query} FROM audit_event ORDER BY log, seq"):  # noqa: S608 # nosec B608
            *kept, details, leaf, row = values
            told = dict(zip(names, kept, strict=True))
            told |= {name: hyphened(told[name]) for name in UUIDS}
            # Text where bytes belong was written past the program: it has no digest, so the leaf will not match.
            told["details_sha256"] = hashlib.sha256(details).hexdigest() if isinstance(details, bytes) else ""
            told["listed"] = listed.pop((told["log"], told["seq"]), [])
            hashes = {"leaf": leaf, "row": row}.items()
            yield {"told": told, **{name: one.hex() if isinstance(one, bytes) else "" for name, one in hashes}}
        yield from ({"listed": uids, "log": log, "seq": seq} for (log, seq), uids in listed.items())
        for log, note in database.execute("SELECT log, note FROM audit_checkpoint ORDER BY log, size"):
            yield {"checkpoint": note, "log": log}


def hyphened(stored: Any) -> Any:
    """A UUID as the leaf has it; what is none stays what it is, and the leaf will not match."""
    try:
        return stored and str(UUID(stored))
    except (ValueError, AttributeError):
        return stored


def entries_of_lines(path: Path) -> Iterator[dict[str, Any]]:
    """An export as `manage.py audit export --rows` printed it."""
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def entries(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        is_database = file.read(15) == b"SQLite format 3"
    return entries_of_database(path) if is_database else entries_of_lines(path)


def rows_of(path: Path) -> Iterator[Row]:
    """Every row of every log, in order."""
    for one in entries(path):
        if "told" in one:
            yield Row(one["told"], bytes.fromhex(one["leaf"]), bytes.fromhex(one["row"]))


def notes_of_anchor(place: Path, origin: str) -> list[str]:
    """The whole notes in an anchor's file: a block of text, an empty line, a block of signatures."""
    path = place / (origin.replace("/", "-") + ".notes")
    blocks = [block for block in path.read_text(encoding="utf-8").split("\n\n") if block.strip("\n")]
    pairs = pairwise(blocks)
    return [f"{text}\n\n{tail}\n" for text, tail in pairs if tail.startswith("\u2014 ") and text[:1] != "\u2014"]


def notes_of_collector(path: Path, origin: str) -> list[str]:
    """The whole notes of this log in a collector's file of audit messages, each there as one word of base64."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        words = {word for line in lines for word in COLLECTED.findall(line)}
    notes = [base64.b64decode(word).decode(errors="replace") for word in sorted(words)]
    return [one for one in notes if one.startswith(f"{origin}\n") and "\n\n\u2014 " in one and one.endswith("\n")]


def open_note(note: str, origin: str, public: bytes, place: str, verdict: Verdict) -> Signed | None:
    """What a note signs, if this key signed it for this log."""
    try:
        text, _, tail = note.rpartition("\n\n")
        name, size, root = text.split("\n")
        mark, signer, blob = tail.strip("\n").split(" ")
        signature = base64.b64decode(blob, validate=True)[4:]
        if (mark, name, signer) == ("\u2014", origin, origin) and signature_holds(
            public, f"{text}\n".encode(), signature
        ):
            return Signed(int(size), base64.b64decode(root, validate=True), place)
    except ValueError:
        pass
    verdict.add(3, f"a checkpoint at {place} does not verify")
    return None


# What is checked.
def walk(rows: Iterator[Row], heads: list[Signed], verdict: Verdict, end: int | None) -> None:
    """Recompute every row, the chain and the tree, and compare the tree with every head that was signed."""
    due = sorted(heads)
    previous, seq, time_us, matched, peaks = bytes(32), 0, 0, 0, list[bytes]()
    for row in rows:
        at = row.told["seq"]
        if at != seq + 1:
            verdict.add(1, f"row {seq + 1} is missing")
            return
        seq = at
        time_us = step(row, previous, time_us, verdict)
        previous = row.row
        grow(peaks, seq - 1, row.leaf)
        while due and due[0].size <= seq:
            same = [head for head in due if head.size == due[0].size]
            due = due[len(same) :]
            matched = compare(same, seq, root(peaks), matched, verdict)
    if end == seq:
        lost = f": rows {seq + 1} to {due[-1].size} ({due[-1].place}) are lost" if due else ""
        verdict.add(4, f"the archive was restored from a backup that ends at row {seq}{lost}")
    elif due:
        verdict.add(2, f"{due[-1].size} rows were signed ({due[-1].place}), but the log ends at row {seq}")
    if time_us > (time.time() + AHEAD_SECONDS) * 1_000_000:
        verdict.add(3, f"row {seq} was written in the future by its time")


def compare(heads: list[Signed], seq: int, rebuilt: bytes, matched: int, verdict: Verdict) -> int:
    """Compare the tree of `seq` rows with all heads of one size; return up to where rows are those that were signed."""
    wrong = [head for head in heads if head.size == seq and head.root != rebuilt]
    if wrong:
        # Where the table holds no head of this size, the whole copy is another than the one that was anchored.
        code = 1 if any(head.place == TABLE for head in heads) else 2
        verdict.add(code, f"rows {matched + 1} to {seq} are not those that {wrong[0].place} has signed")
    return matched if wrong else seq


def step(row: Row, previous: bytes, time_us: int, verdict: Verdict) -> int:
    """Recompute one row behind another; return its time, or that of the row before where it cannot be believed."""
    seq = row.told["seq"]
    told = json.dumps(row.told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if hashlib.sha256(b"\2" + previous + seq.to_bytes(8, "big") + row.leaf).digest() != row.row:
        verdict.add(1, f"row {seq} does not follow row {seq - 1}")
    if hashlib.sha256(b"\0" + told.encode("utf-8", "surrogatepass")).digest() != row.leaf:
        verdict.add(1, f"row {seq} was edited: its leaf does not match its columns")
        return time_us
    if row.told["time_us"] < time_us:
        verdict.add(3, f"row {seq} was written before row {seq - 1} by its time")
    return int(row.told["time_us"])


def grow(peaks: list[bytes], size: int, leaf: bytes) -> None:
    """Add a leaf to a tree of `size` leaves, kept as the roots of its full subtrees (RFC 6962 §2.1)."""
    while size & 1:
        leaf, size = hashlib.sha256(b"\1" + peaks.pop() + leaf).digest(), size >> 1
    peaks.append(leaf)


def root(peaks: list[bytes]) -> bytes:
    found = peaks[-1]
    for peak in reversed(peaks[:-1]):
        found = hashlib.sha256(b"\1" + peak + found).digest()
    return found


def compare_places(kept: list[Signed], anchored: list[Signed], verdict: Verdict) -> None:
    """A head that an anchor holds and the table does not: an older copy was restored."""
    known = {(head.size, head.root) for head in kept}
    for head in anchored:
        if (head.size, head.root) not in known:
            verdict.add(2, f"the checkpoint of {head.size} rows at {head.place} is not in the table")
            return


def judge(path: Path, number: int, heads: list[Signed], verdict: Verdict) -> bool:
    """Walk over every log; those of other names are held by their chain alone. Says whether this one goes on."""
    told = (one["told"] for one in entries(path) if "told" in one)
    opened = [row for row in told if row["seq"] == 1 and row["action"] == "log:opened"]
    ends = {row["purpose"].removeprefix("log-"): row["count"] for row in opened}
    walked = set()
    for log, rows in groupby(rows_of(path), key=lambda row: row.told["log"]):
        walked.add(log)
        verdict.about = "" if log == number else f"log {log}: "
        walk(rows, heads if log == number else [], verdict, ends.get(str(log)))
    verdict.about = ""
    if number not in walked:
        walk(iter(()), heads, verdict, ends.get(str(number)))
    for one in entries(path):
        if "listed" in one:
            verdict.add(1, f"studies are listed for row {one['seq']}, which does not exist")
    return str(number) not in ends


def main() -> int:
    parser = argparse.ArgumentParser(description="Verify a Custos audit log from outside.")
    parser.add_argument("--key", required=True, help="as `manage.py audit key` prints it")
    parser.add_argument("--anchor", action="append", type=Path, default=[], metavar="DIR")
    parser.add_argument("--notes", action="append", type=Path, default=[], metavar="FILE", help="a collector's file")
    parser.add_argument("log", type=Path)
    asked = parser.parse_args()
    origin, _, encoded = asked.key.split("+", 2)
    public = base64.b64decode(encoded, validate=True)[1:]
    number = int(origin.split("/")[2]) if origin.count("/") == 2 else 1
    verdict = Verdict()
    notes = [one["checkpoint"] for one in entries(asked.log) if "checkpoint" in one and one["log"] == number]
    kept = [open_note(note, origin, public, TABLE, verdict) for note in notes]
    anchored = [
        open_note(note, origin, public, str(place), verdict)
        for place in asked.anchor
        for note in notes_of_anchor(place, origin)
    ]
    anchored += [
        open_note(note, origin, public, str(file), verdict)
        for file in asked.notes
        for note in notes_of_collector(file, origin)
    ]
    in_table, outside = [head for head in kept if head], [head for head in anchored if head]
    goes_on = judge(asked.log, number, [*in_table, *outside], verdict)
    if all(kept) and goes_on:
        compare_places(in_table, outside, verdict)
    for _, words in verdict.found[:20]:
        print(words)  # noqa: T201 - a command's answer
    print("intact" if not verdict.found else f"exit {verdict.code}")  # noqa: T201
    return verdict.code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, sqlite3.Error) as error:
        print(f"not verified: {type(error).__name__}")  # noqa: T201
        sys.exit(9)
