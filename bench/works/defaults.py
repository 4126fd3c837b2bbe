"""C-STORE beside the peer as it is installed: without ``TCP_NODELAY`` it waits for acknowledgements at every answer."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench import custos, objects, orthanc
from bench.goals import UNJUDGED
from bench.runner import Scale, Work
from bench.works.cstore import Sides

NAMES: Final = tuple(goal.work for goal in UNJUDGED)
PROGRAMS: Final = ("Orthanc", "strace")
SENT: Final = 100
"""Objects in each run: the peer takes some sixteen a second."""


@contextmanager
def prepared(scale: Scale) -> Iterator[list[Work]]:
    """The works, on fresh archives; their promises are looked at when the block ends."""
    with ExitStack() as held:
        folder = Path(held.enter_context(TemporaryDirectory(prefix="custos-bench-objects-")))
        ours = held.enter_context(custos.running(PACS_TLS="off"))
        sides = Sides(ours, held.enter_context(orthanc.beside(scale, default=True)), folder)
        kinds = {"ct": lambda: objects.ct(scale.of(SENT)), "mr": lambda: objects.mr(1, scale.of(SENT))}

        def work(name: str, kind: str) -> Work:
            def ready() -> None:
                sides.made(kind, kinds[kind])

            pids = (ours.pid, sides.peer.pid)
            sent = (lambda: sides.send_ours(kind, 1), lambda: sides.send_peer(kind, 1))
            return Work(name, "objects/s", *sent, ready=ready, pids=pids)

        yield [work(name, kind) for name, kind in zip(NAMES, kinds, strict=True)]
        sides.require_promises()
