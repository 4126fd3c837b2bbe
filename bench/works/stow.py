"""STOW-RS of CT slices: in requests of one instance, of ten and of a hundred, on one connection that is kept."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import custos, objects, orthanc, promises
from bench.runner import Scale, Work
from bench.sending import post

EACH = (1, 10, 100)
NAMES = tuple(f"STOW-RS in requests of {each} instance{'s' * (each > 1)}" for each in EACH)
PROGRAMS = ("Orthanc",)


@contextmanager
def prepared(scale: Scale) -> Iterator[list[Work]]:
    """The works, on fresh archives; that everything is on record and sealed is looked at when the block ends."""
    with ExitStack() as held:
        folder = Path(held.enter_context(TemporaryDirectory(prefix="custos-bench-objects-")))
        made = objects.kept(objects.ct(scale.of(500)), folder / "ct")
        files = sorted((folder / "ct").iterdir())
        ours = held.enter_context(custos.running(PACS_TLS="off"))
        peer = held.enter_context(orthanc.beside(scale))
        runs, given = count(1), list[int]()

        def post_ours(each: int) -> float:
            promises.settle(ours)
            run = next(runs)
            headers = {"Authorization": f"Bearer {ours.storing}"}
            seconds = post(ours.archive.web_port, headers, files, run=run, each=each)
            given.append(run)
            return len(files) / seconds

        def post_peer(each: int) -> float:
            promises.settle(ours)
            before = peer.instances()
            seconds = post(peer.web_port, {}, files, run=next(runs), each=each)
            if peer.instances() - before != len(files):
                raise RuntimeError("the peer did not keep what it acknowledged")
            return len(files) / seconds

        yield [
            Work(
                name,
                "objects/s",
                lambda each=each: post_ours(each),  # type: ignore[misc]
                lambda each=each: post_peer(each),  # type: ignore[misc]
                pids=(ours.pid, peer.pid),
            )
            for name, each in zip(NAMES, EACH, strict=True)
        ]
        if given:
            promises.require_stored(ours, made, given)
