"""C-STORE of one large multi-frame image: how fast, and how much memory more than idle all our processes take."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench import custos, objects, orthanc, promises, spent
from bench.runner import Scale, Work
from bench.works.cstore import Sides

NAMES = ("C-STORE one 200 MB multi-frame", "C-STORE one 200 MB multi-frame, memory above idle beside 100 MB")
PROGRAMS = ("Orthanc", "strace")

FRAMES: Final = 382
"""Of 512 x 512 x 16 bit."""

FRAME: Final = 2 * objects.SIDE**2 / spent.MB
"""MB of one."""

PROBES: Final = 16
"""Frames of the smaller ones by which it is seen that each is flushed before it is answered."""

BAR: Final = 100.0
"""MB of memory above idle."""


@contextmanager
def prepared(scale: Scale) -> Iterator[list[Work]]:
    """The works, on fresh archives; their promises are looked at when the block ends. Quick ones are no smaller."""
    with ExitStack() as held:
        folder = Path(held.enter_context(TemporaryDirectory(prefix="custos-bench-objects-")))
        ours = held.enter_context(custos.running(PACS_TLS="off"))
        frames = scale.grown(FRAMES)
        sides = Sides(ours, held.enter_context(orthanc.beside(scale)), folder)

        def ready() -> None:
            sides.made("large", lambda: objects.multiframe(1, frames))

        def above() -> float:
            """How many such objects would fit into 1,000 MB above idle: the higher, the less each takes."""
            promises.settle(ours)
            spent.forget(ours.pid)
            idle = spent.spent(ours.pid).memory
            sides.send_ours("large", 1)
            return 1000 / max(1.0, spent.spent(ours.pid).memory - idle)

        pids = (ours.pid, sides.peer.pid)
        yield [
            Work(
                NAMES[0],
                "MB/s",
                lambda: sides.send_ours("large", 1) * frames * FRAME,
                lambda: sides.send_peer("large", 1) * frames * FRAME,
                ready=ready,
                pids=pids,
            ),
            Work(NAMES[1], "objects/GB", above, lambda: 1000 / BAR, ready=ready),
        ]
        if "large" not in sides.given:
            return
        large, runs = sides.given.pop("large")
        promises.require_stored(ours, large, runs)
        sides.made("probe", lambda: objects.multiframe(promises.PROBES, PROBES))
        promises.require_durable(ours, sides.files("probe"), next(sides.runs))
