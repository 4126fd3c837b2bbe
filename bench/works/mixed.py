"""``python -m bench.works.mixed [--minutes N]``: traffic of all kinds at once on an archive of ours, ten minutes of it.

Modalities send by C-STORE, programs search by QIDO-RS, people open series by WADO-RS, each at a pace, not as fast as
they can. Told are the time each kind of act took, what went wrong, the memory of every process and the length of the
queue. What was acknowledged and is not there, or was seen and is not on record, makes it refuse to tell anything.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench import custos, objects, packages, plots, promises, runner, visits, watching
from bench.choosing import RESULTS
from bench.objects import Made
from bench.programs import Program, hear, started, tell
from bench.sending import send
from bench.visits import Act, Told
from bench.watching import Memory, Sample

PROGRAMS: Final = ("strace",)
MINUTES: Final = 10.0
QUICK: Final = 1.0
WARM_SECONDS: Final = 120.0
WARM_PART: Final = 0.3
"""Of a short run, which cannot warm up for so long."""

EVERY_SECONDS: Final = 5.0
"""Between two looks at memory and queue."""

WINDOW_SECONDS: Final = 20.0
STUDIES: Final = 10_000
"""Planted before, for searches to find among."""

OLD: Final = 6
"""Studies of each kind that are there before anybody comes."""

FRAMES: Final = 20
PACES: Final[Mapping[str, Mapping[str, float]]] = {
    "modality": {"rest": 4.0},
    "program": {"pause": 0.5},
    "person": {"pause": 0.1, "rest": 1.0},
}
"""Seconds that visitors rest between studies or series, and pause between searches or frames."""

MR: Final = "MR_ONE"
PEOPLE: Final = ("rosa", "ruth", "remy")
SEARCHING: Final = 2
PROBE: Final = 90_000
"""The run under which it is tried, at the end, that each object is flushed before it is answered."""


@dataclass(frozen=True)
class Kind:
    """A kind of study that arrives: its objects, their files, who sends it, and bytes of a frame."""

    made: Sequence[Made]
    folder: Path
    sender: str
    frame: int

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir())

    def plan(self) -> dict[str, Any]:
        """What a person must know to read it, under the UIDs of no run yet."""
        first = self.made[0]
        study = f"/dicom-web/studies/{first.study_uid}"
        series = f"{study}/series/{first.series_uid}"
        paths = [f"{series}/instances/{one.sop_uid}" for one in self.made]
        return {"study": first.study_uid, "series": series, "instances": paths, "size": self.frame}


def minutes(*, quick: bool) -> float:
    """How long it lasts unless that is said."""
    return QUICK if quick else MINUTES


def run(lasting: float, studies: int = STUDIES) -> int:
    """Let traffic of so many minutes happen, print the tables and keep all figures; 1 where something is not met.

    Raises ``promises.Broken``.
    """
    packages.require(PROGRAMS)
    seconds = 60 * lasting
    acts, samples = traffic(seconds, studies)
    now = datetime.now(UTC)
    picture = RESULTS / f"{now:%Y-%m-%dT%H%M%SZ}-mixed.png"
    found = entry(acts, samples, seconds, picture.name)
    drawn(picture, acts, samples, seconds)
    kept = {**runner.results([], now), "extra": [found]}
    words = f"{runner.headline(kept)}\n\n{table(found)}"
    runner.keep(kept, RESULTS, words)
    sys.stdout.write(f"{words}\n{picture}\n")
    return 0 if found["met"] else 1


def traffic(seconds: float, studies: int) -> tuple[list[Act], list[Sample]]:
    """What visitors did in so many seconds, and what was seen of the archive; its promises have been looked at."""
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="custos-bench-mixed-")))
        kinds = {
            "ct": Kind(objects.kept(objects.ct(20), folder / "ct"), folder / "ct", custos.SENDER, 2 * objects.SIDE**2),
            "mr": Kind(objects.kept(objects.mr(1, 40), folder / "mr"), folder / "mr", MR, 2 * objects.SMALL**2),
        }
        ours = held.enter_context(custos.running(planted=studies, PACS_TLS="off"))
        planted = set(ours.looked()["names"])  # only rows name these packs: what is planted has no bytes
        words = ("--address", "127.0.0.1/32", "--group", "Radiology", "--may", "store")
        ours.archive.manage("device", "add", MR, *words)
        ours.program("tests.e2e.populating", "more")
        arrived = _there_before(ours, kinds, folder)
        plans = list(_plans(ours, kinds, arrived, seconds, studies))
        promises.settle(ours)
        database = ours.archive.root / "data" / "index.sqlite3"
        with visiting(plans, folder) as visitors:
            with watching.watching(ours.pid, database, min(EVERY_SECONDS, seconds / 20)) as samples:
                for visitor in visitors:
                    tell(visitor, "go")
                for visitor in visitors:
                    hear(visitor, "done")
            acts = visits.read(Path(plan["told"]) for plan in plans)
        require_promises(ours, kinds, acts, planted)
        return acts, samples


def _there_before(ours: custos.Custos, kinds: Mapping[str, Kind], folder: Path) -> Path:
    """Store old studies of each kind; return the file that names what is there."""
    arrived = folder / "arrived"
    with arrived.open("w", encoding="ascii") as told:
        for name, kind in kinds.items():
            for number in range(1, OLD + 1):
                send(ours.archive.dicom_port, custos.TITLE, kind.sender, kind.files, run=number)
                told.write(f"{name} {number}\n")
    return arrived


def _plans(
    ours: custos.Custos, kinds: Mapping[str, Kind], arrived: Path, seconds: float, studies: int
) -> Iterator[dict[str, Any]]:
    """What each visitor is told: a modality of each kind, some programs, some people."""
    web = ours.archive.web_port
    told: list[tuple[str, str, dict[str, Any]]] = []
    for number, (name, kind) in enumerate(kinds.items(), 1):
        sends = {"port": ours.archive.dicom_port, "called": custos.TITLE, "files": [str(one) for one in kind.files]}
        told.append(("modality", kind.sender, {**sends, "kind": name, "first": 10_000 * number}))
    token = {"Authorization": f"Bearer {ours.token}"}
    told += [("program", custos.READER, {"port": web, "headers": token, "studies": studies})] * SEARCHING
    for who in PEOPLE:
        name, value = ours.program("tests.e2e.signing_in", who).split()
        known = {name: kind.plan() for name, kind in kinds.items()}
        reads = {"port": web, "headers": {"Cookie": f"{name}={value}"}, "kinds": known, "frames": FRAMES}
        told.append(("person", who, reads))
    for seed, (role, who, plan) in enumerate(told):
        about = {"role": role, "who": who, "seed": seed, "seconds": seconds, "arrived": str(arrived)}
        yield {**about, **PACES[role], **plan, "told": str(arrived.with_name(f"told-{seed}"))}


@contextmanager
def visiting(plans: Sequence[dict[str, Any]], folder: Path) -> Iterator[list[Program]]:
    """Each visitor as a program of its own, ready to go; none of them is left when the block ends."""
    visitors: list[Program] = []
    try:
        for plan in plans:
            written = folder / f"plan-{plan['seed']}.json"
            written.write_text(json.dumps(plan), encoding="utf-8")
            visitors.append(started("bench.visitors", written))
        for visitor in visitors:
            hear(visitor, "ready")
        yield visitors
    finally:
        for visitor in visitors:
            visitor.kill()
            visitor.communicate()


def require_promises(ours: custos.Custos, kinds: Mapping[str, Kind], acts: Sequence[Act], planted: set[str]) -> None:
    """All that was acknowledged is there and sealed, all that was seen is on record. Raises ``promises.Broken``.

    ``planted`` are the names of packs of which there never were any bytes.
    """
    promises.require_delivered(ours, sum(act.size for act in acts))
    told = ours.looked("each")
    visits.require_kept(acts, told)
    sizes = {kind.sender: min(len(one.part10) for one in kind.made) for kind in kinds.values()}
    least = sum(sizes[act.who] for act in acts if act.kind == visits.STORED and not act.wrong)
    names = sorted(set(told["names"]) - planted)
    for kind in kinds.values():
        promises.require_sealed(ours, kind.made, [1, OLD], names, least)
        promises.require_durable(ours, kind.files, PROBE)


def entry(acts: Sequence[Act], samples: Sequence[Sample], seconds: float, picture: str) -> dict[str, Any]:
    """What is kept of it: figures of each kind, memory of each process, the queue, and whether all is as it must be."""
    kinds = visits.figures(acts, seconds)
    memory = watching.judged(samples, warm(seconds))
    waiting = [one.waiting for one in samples]
    wrong = sorted({act.wrong for act in acts if act.wrong})
    return {
        "work": "mixed traffic",
        "minutes": seconds / 60,
        "warm": warm(seconds) / 60,
        "kinds": [{**asdict(one), **_rounded(one)} for one in kinds],
        "errors": sum(one.errors for one in kinds),
        "wrong": wrong[:20],
        "memory": [asdict(one) for one in memory],
        "queue": {"most": max(waiting), "last": waiting[-1], "most_later": max(one.later for one in samples)},
        "samples": [asdict(one) for one in samples],
        "met": met(kinds, memory),
        "plot": picture,
    }


def warm(seconds: float) -> float:
    """How long an archive warms up in a run of so many seconds (s)."""
    return min(WARM_SECONDS, WARM_PART * seconds)


def met(kinds: Sequence[Told], memory: Sequence[Memory]) -> bool:
    """Nothing went wrong, and no process grows."""
    return not any(one.errors for one in kinds) and all(one.flat is not False for one in memory)


def _rounded(one: Told) -> dict[str, float]:
    return {name: round(getattr(one, name), 3) for name in ("rate", "p50", "p95", "p99")}


def table(found: Mapping[str, Any]) -> str:
    """The entry as tables people read."""
    lines = [f"{found['minutes']:g} minutes, memory judged after the first {found['warm']:g}", ""]
    lines += ["| kind | done | errors | a second | p50 ms | p95 ms | p99 ms |", "|" + "---|" * 7]
    for one in found["kinds"]:
        cells = [f"{one[name]:.1f}" for name in ("rate", "p50", "p95", "p99")]
        lines.append(f"| {one['kind']} | {one['count']:,} | {one['errors']} | {' | '.join(cells)} |")
    lines += ["", "| process | MB then | MB at the end | MB a minute | flat |", "|" + "---|" * 5]
    for one in found["memory"]:
        steep = "—" if one["slope"] is None else f"{one['slope']:+.2f}"
        verdict = {None: "—", True: "yes", False: "**no**"}[one["flat"]]
        lines.append(f"| {one['process']} | {one['first']:.1f} | {one['last']:.1f} | {steep} | {verdict} |")
    queue = found["queue"]
    lines += ["", f"The queue: {queue['most']} jobs due at most, {queue['last']} at the end"]
    lines += [f"wrong: {words}" for words in found["wrong"]]
    return "\n".join([*lines, "", "met" if found["met"] else "**not met**"]) + "\n"


def drawn(place: Path, acts: Sequence[Act], samples: Sequence[Sample], seconds: float) -> None:
    """Draw memory, queue and p95 over time."""
    names = sorted({name for one in samples for name in one.memory})
    memory = {name: [(one.at, one.memory[name]) for one in samples if name in one.memory] for name in names}
    queue = {
        "due or worked on": [(one.at, float(one.waiting)) for one in samples],
        "due later": [(one.at, float(one.later)) for one in samples],
    }
    slow = visits.slowest(acts, min(act.at for act in acts), min(WINDOW_SECONDS, seconds / 10))
    plots.over_time(place, [("MB of each process (PSS)", memory), ("jobs", queue), ("p95, ms", slow)], warm(seconds))


def main(arguments: list[str]) -> int:
    """Let it happen; 1 where something is not met, 2 where a promise was broken and nothing is printed."""
    parser = argparse.ArgumentParser(prog="python -m bench.works.mixed", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    try:
        return run(parser.parse_args(arguments).minutes)
    except promises.Broken as broken:
        sys.stderr.write(f"Nothing is printed: {broken}.\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
