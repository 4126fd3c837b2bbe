"""WADO-RS single frames of a CT series: by one client and by eight, in the clear and over TLS; session and gate on."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import custos, objects, orthanc, promises
from bench.runner import Scale, Work
from bench.sending import send
from bench.web import load
from bench.works.reading import RUN, path_of

NAMES = (
    "WADO-RS single frames, 1 client",
    "WADO-RS single frames, 8 clients",
    "WADO-RS single frames over TLS, 1 client",
    "WADO-RS single frames over TLS, 8 clients",
)
PROGRAMS = ("Orthanc", "wrk")
FRAME = 2 * objects.SIDE**2
ACCEPT = 'multipart/related; type="application/octet-stream"'


class Readers:
    """Clients of one side that read frame after frame; ``frames`` is how many they got in all."""

    def __init__(self, url: str, headers: dict[str, str], paths: list[str], seconds: float) -> None:
        self.url, self.headers, self.paths, self.seconds = url, {"Accept": ACCEPT, **headers}, paths, seconds
        self.frames = 0
        self._starts = count(0, 37)

    def rate(self, clients: int) -> float:
        """Frames a second."""
        done = load(
            self.url,
            self.paths,
            clients=clients,
            seconds=self.seconds,
            headers=self.headers,
            least=FRAME,
            first=next(self._starts),
        )
        self.frames += done.requests
        return done.rate


@contextmanager
def prepared(scale: Scale) -> Iterator[list[Work]]:
    """The works, on archives that hold one CT series; what ours handed out is looked for in the record at the end."""
    with ExitStack() as held:
        folder = Path(held.enter_context(TemporaryDirectory(prefix="custos-bench-objects-")))
        made = objects.kept(objects.ct(scale.of(500)), folder / "ct")
        files = sorted((folder / "ct").iterdir())
        peer = held.enter_context(orthanc.beside(scale))
        peer.keep(files, RUN)
        paths = [f"{path_of(one)}/frames/1" for one in made]
        seconds = 1.0 if scale.quick else 3.0
        theirs = Readers(peer.url, {}, paths, seconds)
        works: list[Work] = []
        readers: list[tuple[custos.Custos, Readers]] = []
        for tls, names in (("off", NAMES[:2]), ("self", NAMES[2:])):
            ours = held.enter_context(custos.running(PACS_TLS=tls))
            send(ours.archive.dicom_port, custos.TITLE, custos.SENDER, files, run=RUN)
            promises.settle(ours)
            ourselves = Readers(ours.url, ours.headers, paths, seconds)
            readers.append((ours, ourselves))
            for name, clients in zip(names, (1, 8), strict=True):
                works.append(
                    Work(
                        name,
                        "frames/s",
                        lambda ourselves=ourselves, clients=clients: ourselves.rate(clients),  # type: ignore[misc]
                        lambda clients=clients: theirs.rate(clients),  # type: ignore[misc]
                        pids=(ours.pid, peer.pid),
                    )
                )
        yield works
        for ours, ourselves in readers:
            promises.require_delivered(ours, ourselves.frames * FRAME)
            promises.require_sealed(ours, made, [RUN], ours.looked()["names"], len(made) * FRAME)
