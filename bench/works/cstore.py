"""C-STORE: many CT slices, many small MR images, one large multi-frame; by one association and by four."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import custos, objects, orthanc, promises
from bench.objects import Made
from bench.runner import Scale, Work
from bench.sending import send

NAMES = (
    "C-STORE 500 CT slices of 0.5 MB, 1 association",
    "C-STORE 500 CT slices of 0.5 MB, 4 associations",
    "C-STORE 2,000 MR images of 35 KB, 1 association",
    "C-STORE 2,000 MR images of 35 KB, 4 associations",
)
PROGRAMS = ("Orthanc", "strace")


@dataclass
class Sides:
    """Both receivers, and which runs ours was given of which objects."""

    ours: custos.Custos
    peer: orthanc.Orthanc
    folder: Path
    runs: Iterator[int] = field(default_factory=lambda: count(1))
    given: dict[str, tuple[Sequence[Made], list[int]]] = field(default_factory=dict)

    def made(self, name: str, make: Callable[[], Iterator[Made]]) -> Sequence[Made]:
        """The objects of a kind, made once."""
        if name not in self.given:
            self.given[name] = (objects.kept(make(), self.folder / name), [])
        return self.given[name][0]

    def files(self, name: str) -> list[Path]:
        return sorted((self.folder / name).iterdir())

    def send_ours(self, name: str, associations: int) -> float:
        """Objects a second into ours, when all that came before is done."""
        promises.settle(self.ours)
        run, files = next(self.runs), self.files(name)
        seconds = send(
            self.ours.archive.dicom_port, custos.TITLE, custos.SENDER, files, run=run, associations=associations
        )
        self.given[name][1].append(run)
        return len(files) / seconds

    def send_peer(self, name: str, associations: int) -> float:
        """Objects a second into the peer, when ours is done too."""
        promises.settle(self.ours)
        run, files = next(self.runs), self.files(name)
        before = self.peer.instances()
        seconds = send(self.peer.dicom_port, orthanc.TITLE, "CT_ONE", files, run=run, associations=associations)
        if self.peer.instances() - before != len(files):
            raise RuntimeError("the peer did not keep what it acknowledged")
        return len(files) / seconds

    def require_promises(self) -> None:
        """Everything that ours acknowledged is on record, sealed and flushed. Raises ``promises.Broken``."""
        sent = {name: (made, runs) for name, (made, runs) in self.given.items() if runs}
        everything = sum(len(made) * len(runs) for made, runs in sent.values())
        for made, runs in sent.values():
            promises.require_stored(self.ours, made, runs, others=everything - len(made) * len(runs))
        for name in sent:
            promises.require_durable(self.ours, self.files(name), next(self.runs))


@contextmanager
def prepared(scale: Scale) -> Iterator[list[Work]]:
    """The works, on fresh archives; their promises are looked at when the block ends."""
    with ExitStack() as held:
        folder = Path(held.enter_context(TemporaryDirectory(prefix="custos-bench-objects-")))
        ours = held.enter_context(custos.running(PACS_TLS="off"))
        sides = Sides(ours, held.enter_context(orthanc.beside(scale)), folder)
        kinds = {
            "ct": lambda: objects.ct(scale.of(500)),
            "mr": lambda: objects.mr(20, scale.of(100)),
        }

        def work(name: str, kind: str, associations: int) -> Work:
            def ready() -> None:
                sides.made(kind, kinds[kind])

            return Work(
                name,
                "objects/s",
                lambda: sides.send_ours(kind, associations),
                lambda: sides.send_peer(kind, associations),
                ready=ready,
                pids=(ours.pid, sides.peer.pid),
            )

        pairs = (("ct", 1), ("ct", 4), ("mr", 1), ("mr", 4))
        yield [work(name, *pair) for name, pair in zip(NAMES, pairs, strict=True)]
        sides.require_promises()
