"""The log for other programs: CSV without sealed details, or its rows as they are hashed, for a verifier outside."""

import csv
from collections.abc import Iterator
from io import StringIO

import orjson

from audit import clock, tables
from audit.models import Checkpoint
from audit.rows import Row, canonical

HEADINGS = (
    *("log", "seq", "time", "id", "action", "outcome", "actor_kind", "actor_key", "actor_name", "actor_role"),
    *("actor_address", "actor_ae_title", "actor_session", "request_id", "purpose", "study_uid", "patient", "sitting"),
    *("count", "listed"),
)
# What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|")


def lines(*, since_us: int = 0, before_us: int = 2**62) -> Iterator[str]:
    """CSV lines (RFC 4180): the headings, then every event with `since_us` <= time < `before_us`.

    Raises tables.Unreadable at a row that was edited beyond reading; what came before is whole.
    """
    yield _line(HEADINGS)
    for log in tables.logs():
        for stored, listed in tables.rows(log):
            row, _, _ = tables.decode(stored)
            if since_us <= row.time_us < before_us:
                yield _line(_cells(row, [uid for _, uid in listed]))


def records() -> Iterator[str]:
    """JSON lines for a verifier outside: every row as it is hashed, with its hashes, then every checkpoint."""
    for log in tables.logs():
        for stored, listed in tables.rows(log):
            row, leaf, chained = tables.decode(stored)
            told = orjson.loads(canonical(row, tuple(uid for _, uid in listed)))
            yield orjson.dumps({"told": told, "leaf": leaf.hex(), "row": chained.hex()}).decode() + "\n"
    for log, note in Checkpoint.objects.order_by("log", "size").values_list("log", "note").iterator():
        yield orjson.dumps({"checkpoint": note, "log": log}).decode() + "\n"


def safe(text: str) -> str:
    """Text that a spreadsheet shows and does not compute."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cells(row: Row, listed: list[str]) -> list[str]:
    values = {
        **{name: getattr(row, name) for name in HEADINGS if name not in ("time", "listed")},
        "time": clock.at(row.time_us).isoformat(timespec="microseconds"),
        "listed": " ".join(listed),
    }
    return [safe("" if values[name] is None else str(values[name])) for name in HEADINGS]


def _line(cells: tuple[str, ...] | list[str]) -> str:
    text = StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
