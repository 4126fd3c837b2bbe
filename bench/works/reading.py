"""Both sides with one CT series stored and quiet, for the works that read it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import custos, objects, orthanc, promises
from bench.objects import Made, of_run
from bench.runner import Scale
from bench.sending import send
from tests.e2e.running import wait_for

RUN = 7
QUIET_SECONDS = 120
KINDS_READY = 2
"""The preview and the metadata of the series."""


def path_of(one: Made) -> str:
    """The path of an instance below a server."""
    study, series, instance = (of_run(uid, RUN) for uid in (one.study_uid, one.series_uid, one.sop_uid))
    return f"/dicom-web/studies/{study}/series/{series}/instances/{instance}"


@dataclass(frozen=True)
class Sides:
    """Two archives that hold the same series."""

    ours: custos.Custos
    peer: orthanc.Orthanc
    made: Sequence[Made]

    @property
    def study(self) -> str:
        """The path of the study below a server."""
        return f"/dicom-web/studies/{of_run(self.made[0].study_uid, RUN)}"

    @property
    def series(self) -> str:
        return f"{self.study}/series/{of_run(self.made[0].series_uid, RUN)}"

    def instance(self, number: int) -> str:
        return path_of(self.made[number])

    @property
    def pids(self) -> tuple[int, int]:
        return self.ours.pid, self.peer.pid

    def require_promises(self, handed_out: int) -> None:
        """So many bytes are on record as handed out, and everything lies sealed. Raises ``promises.Broken``."""
        promises.require_delivered(self.ours, handed_out)
        least = sum(len(one.part10) for one in self.made)
        promises.require_sealed(self.ours, self.made, [RUN], self.ours.looked()["names"], least)


@contextmanager
def both(scale: Scale, *, quiet: bool = False) -> Iterator[Sides]:
    """Both archives; with ``quiet``, once ours has made ready what it keeps ready of a series that fell quiet."""
    with ExitStack() as held:
        folder = Path(held.enter_context(TemporaryDirectory(prefix="custos-bench-objects-")))
        made = objects.kept(objects.ct(scale.of(500)), folder / "ct")
        files = sorted((folder / "ct").iterdir())
        ours = held.enter_context(custos.running(PACS_TLS="off"))
        peer = held.enter_context(orthanc.beside(scale))
        peer.keep(files, RUN)
        send(ours.archive.dicom_port, custos.TITLE, custos.SENDER, files, run=RUN)
        if quiet:
            wait_for(lambda: ours.looked()["ready"] >= KINDS_READY, QUIET_SECONDS, "a quiet series")
        promises.settle(ours)
        yield Sides(ours, peer, made)
