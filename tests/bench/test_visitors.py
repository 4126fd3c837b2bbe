"""What visitors of mixed traffic write down: only what came whole counts as done, and what did not says why."""

import gzip
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from bench import objects, programs, visitors
from bench.objects import of_run
from bench.visits import FRAME, METADATA, SEARCHED, STORED
from bench.works import mixed
from tests.e2e.running import free_port

SERIES = {"study": "1.2.1999999999", "series": "/s.1999999999", "instances": ["/i.1", "/i.2"], "size": 10}


class Answers(BaseHTTPRequestHandler):
    """Answers with what the test put there: status, body, and whether it is compressed."""

    protocol_version = "HTTP/1.1"
    given: dict[str, tuple[int, bytes, bool]] = {}
    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, body, packed = self.given.get(self.path, (404, b"", False))
        body = gzip.compress(body) if packed else body
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    Answers.given, Answers.asked = {}, []
    with ThreadingHTTPServer(("localhost", 0), Answers) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def _person(port: int, arrived: Path, **more: Any) -> dict[str, Any]:
    arrived.write_text("ct 5\n")
    plan = {"who": "rosa", "seed": 1, "port": port, "headers": {}, "arrived": str(arrived), "kinds": {"ct": SERIES}}
    return {**plan, "frames": 2, "pause": 0, "rest": 0, **more}


def test_a_person_opens_a_series_that_is_there_under_the_uids_of_its_run(port: int, tmp_path: Path) -> None:
    series = of_run("/s.1999999999", 5)
    Answers.given = {
        f"{series}/metadata": (200, b"[{}, {}]", True),
        "/i.1/frames/1": (200, b"0123456789--", False),
        "/i.2/frames/1": (200, b"short", False),
    }
    acts = list(islice(visitors.person(_person(port, tmp_path / "arrived"), time.time() + 60), 3))
    assert Answers.asked == [f"{series}/metadata", "/i.1/frames/1", "/i.2/frames/1"]
    assert [act.kind for act in acts] == [METADATA, FRAME, FRAME]
    assert {act.about for act in acts} == {of_run("1.2.1999999999", 5)}
    assert [bool(act.wrong) for act in acts] == [False, False, True]
    assert [act.size for act in acts] == [0, 10, 0]


@pytest.mark.parametrize("answer", [(200, b"[{}]", True), (200, b"not JSON", False), (503, b"[{}, {}]", False)])
def test_metadata_that_does_not_name_every_instance_went_wrong(
    answer: tuple[int, bytes, bool], port: int, tmp_path: Path
) -> None:
    Answers.given = {f"{of_run('/s.1999999999', 5)}/metadata": answer}
    (act,) = islice(visitors.person(_person(port, tmp_path / "arrived"), time.time() + 60), 1)
    assert act.wrong


def test_a_search_that_does_not_find_what_is_there_went_wrong(port: int) -> None:
    plan = {"who": "rosa", "seed": 1, "port": port, "headers": {}, "studies": 100, "pause": 0}
    (lost,) = islice(visitors.program(plan, time.time() + 60), 1)
    assert lost.kind == SEARCHED
    assert lost.wrong.startswith("404")
    Answers.given = {Answers.asked[0]: (200, b"[{}]" * 9, False)}
    (other,) = islice(visitors.program(plan, time.time() + 60), 1)
    assert other.wrong, "it was asked for one patient, and the answer does not name the study"


def test_a_modality_that_reaches_nobody_says_so_and_names_nothing_as_there(tmp_path: Path) -> None:
    objects.kept(objects.mr(1, 1), tmp_path / "mr")
    files = [str(file) for file in (tmp_path / "mr").iterdir()]
    plan = {"who": "MR_ONE", "port": free_port(), "called": "CUSTOS", "files": files, "kind": "mr", "first": 7}
    arrived = tmp_path / "arrived"
    (act,) = islice(visitors.modality({**plan, "rest": 0, "arrived": str(arrived)}, time.time() + 60), 1)
    assert act.kind == STORED
    assert "ConnectionRefused" in act.wrong
    assert not arrived.exists()


def test_who_ended_early_is_no_visitor(tmp_path: Path) -> None:
    plan = {"seed": 1, "role": "nobody", "seconds": 0, "told": str(tmp_path / "told")}
    with mixed.visiting([plan], tmp_path) as (visitor,):
        programs.tell(visitor, "go")
        with pytest.raises(RuntimeError, match="a program has ended"):
            programs.hear(visitor, "done")
