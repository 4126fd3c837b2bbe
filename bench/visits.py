"""What visitors of an archive did: acts as they wrote them down, their figures, and what the archive owes for them.

Nothing here runs anything; it judges what was written.
"""

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bench.figures import percentile
from bench.promises import Broken

STORED: Final = "C-STORE"
SEARCHED: Final = "QIDO-RS"
METADATA: Final = "metadata of a series"
FRAME: Final = "one frame"
KINDS: Final = (STORED, SEARCHED, METADATA, FRAME)

LEASE_SECONDS: Final = 300
"""How long one row of a view holds at most (`audit.leases`)."""

SLACK_SECONDS: Final = 1.0
"""What the clocks of two processes of one machine may differ by, and far more."""


@dataclass(frozen=True)
class Act:
    """Something a visitor did.

    ``at`` is when it began (s since the epoch), ``took`` how long until its answer was whole (s), ``about`` the SOP
    Instance UID of what was stored or the Study Instance UID of what was read, ``size`` the bytes of pixels that came.
    One that failed says why in ``wrong``, and counts for nothing else.
    """

    kind: str
    who: str
    at: float
    took: float
    about: str = ""
    size: int = 0
    wrong: str = ""


@dataclass(frozen=True)
class Told:
    """The figures of one kind of act: how many, how many failed, how many a second, and what they took (ms)."""

    kind: str
    count: int
    errors: int
    rate: float
    p50: float
    p95: float
    p99: float


def line(act: Act) -> str:
    """An act as one line of a file."""
    return json.dumps(asdict(act)) + "\n"


def read(files: Iterable[Path]) -> list[Act]:
    """The acts of some files, in the order of their beginnings."""
    found = [Act(**json.loads(one)) for file in files for one in file.read_text(encoding="utf-8").splitlines()]
    return sorted(found, key=lambda act: act.at)


def figures(acts: Iterable[Act], seconds: float) -> list[Told]:
    """The figures of each kind over so many seconds. Raises ValueError where nothing of a kind succeeded."""
    found = list(acts)
    return [_figures(kind, [act for act in found if act.kind == kind], seconds) for kind in KINDS]


def _figures(kind: str, acts: Sequence[Act], seconds: float) -> Told:
    taken = [1000 * act.took for act in acts if not act.wrong]
    if not taken:
        raise ValueError(f"nothing of {kind} succeeded: {acts[0].wrong if acts else 'nobody tried'}")
    p50, p95, p99 = (percentile(taken, share) for share in (0.50, 0.95, 0.99))
    return Told(kind, len(taken), len(acts) - len(taken), len(taken) / seconds, p50, p95, p99)


def slowest(acts: Iterable[Act], began: float, window: float) -> dict[str, list[tuple[float, float]]]:
    """The p95 (ms) of each kind in each window of so many seconds, at the middle of the window."""
    found: dict[str, dict[int, list[float]]] = {kind: defaultdict(list) for kind in KINDS}
    for act in acts:
        if not act.wrong:
            found[act.kind][int((act.at - began) // window)].append(1000 * act.took)
    return {
        kind: [((number + 0.5) * window, percentile(taken, 0.95)) for number, taken in sorted(windows.items())]
        for kind, windows in found.items()
    }


def require_kept(acts: Iterable[Act], told: Mapping[str, Any]) -> None:
    """The archive has what it acknowledged, and each thing that was read or searched stands in its record.

    ``told`` is what its rows say (``bench.looking``, of each). Raises Broken.
    """
    done = [act for act in acts if not act.wrong]
    acknowledged = {act.about for act in done if act.kind == STORED}
    if lost := acknowledged - set(told["uids"]):
        raise Broken(f"{len(lost)} of {len(acknowledged)} objects that were answered Success have no row: {min(lost)}")
    if told["stored"] < len(acknowledged):
        raise Broken(f"{len(acknowledged)} objects were stored, and {told['stored']} stand in the record")
    searches = sum(act.kind == SEARCHED for act in done)
    if told["listed"] < searches:
        raise Broken(f"{searches} searches were answered, and {told['listed']} stand in the record")
    require_viewed([act for act in done if act.kind in (METADATA, FRAME)], told["viewed"])


def require_viewed(acts: Iterable[Act], viewed: Iterable[Sequence[Any]]) -> None:
    """Each reading has its row: of this person and study, and not older than a row of a view holds. Raises Broken.

    ``viewed`` are name, Study Instance UID and time (s since the epoch) of each row of a view.
    """
    rows: dict[tuple[str, str], list[float]] = defaultdict(list)
    for who, study, at in viewed:
        rows[who, study].append(at)
    for moments in rows.values():
        moments.sort()
    for act in acts:
        moments = rows.get((act.who, act.about), [])
        since = bisect_left(moments, act.at - LEASE_SECONDS - SLACK_SECONDS)
        if since == len(moments) or moments[since] > act.at + act.took + SLACK_SECONDS:
            raise Broken(f"{act.who} was given the {act.kind} of {act.about}, and no row in the record says so")
