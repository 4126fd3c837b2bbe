"""The pools by themselves: who belongs where, who waits, who is refused, and that every slot comes back."""

import threading
from collections.abc import Iterable, Iterator
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import pulse
from pacs.pools import LIMITS, LONGEST_FORM, THREADS, Broken, Environ, Limit, Pool, Pools, StartResponse, pool_of


@pytest.mark.parametrize(
    ("method", "path", "pool"),
    [
        ("GET", "/me/alive/", "page"),
        ("GET", "/dicom-web/studies", "pixel"),
        ("GET", "/dicom-web/studies/1.2/series", "pixel"),
        ("GET", "/dicom-web/studies/1.2/metadata", "pixel"),
        ("GET", "/dicom-web/studies/1.2/series/1.3/metadata", "pixel"),
        ("GET", "/dicom-web/studies/1.2/series/1.3/instances/1.4/frames/1,3", "frame"),
        ("GET", "/dicom-web/studies/1.2/series/1.3/instances/1.4/rendered", "pixel"),
        ("GET", "/dicom-web/studies/1.2/thumbnail", "pixel"),
        ("GET", "/dicom-web/studies/1.2", "stream"),
        ("GET", "/dicom-web/studies/1.2/series/1.3", "stream"),
        ("GET", "/dicom-web/studies/1.2/series/1.3/instances/1.4", "stream"),
        ("GET", "/dicom-web/studies/1.2/series/1.3/instances/1.4/bulkdata/7FE00010", "stream"),
        ("POST", "/dicom-web/studies", "stream"),
        ("POST", "/dicom-web/studies/1.2", "stream"),
        ("GET", "/studies/", "page"),
        ("POST", "/studies/", "page"),
        ("POST", "/studies/1.2/download/", "stream"),
        ("GET", "/static/viewer/main.js", "static"),
        ("GET", "/healthz", "door"),
        ("GET", "/readyz", "door"),
        ("GET", "/record/", "page"),
    ],
)
def test_each_path_belongs_to_one_pool(method: str, path: str, pool: str) -> None:
    assert pool_of(method, path) == pool


@given(st.text())
def test_no_path_is_without_a_pool(path: str) -> None:
    assert pool_of("GET", "/" + path) in LIMITS


def test_there_are_threads_for_every_slot_and_every_place_in_line() -> None:
    assert sum(limit.active + limit.waiting for limit in LIMITS.values()) < THREADS


def test_a_full_pool_refuses_at_once_when_nobody_may_wait() -> None:
    pool = Pool(Limit(active=1, waiting=0, patience=60))
    assert pool.enter()
    assert not pool.enter()
    pool.leave()
    assert pool.enter()


def test_who_waits_longer_than_the_patience_is_refused() -> None:
    pool = Pool(Limit(active=1, waiting=1, patience=0.05))
    assert pool.enter()
    assert not pool.enter()


def test_nobody_waits_for_who_hangs_while_the_record_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(Limit(active=1, waiting=1, patience=60))
    assert pool.enter()
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(pool.enter()))
    waiting.start()
    waiting.join(0.6)
    assert not answers
    monkeypatch.setattr(pulse, "lost", lambda: True)
    waiting.join(20)
    assert answers == [False]
    monkeypatch.undo()
    pool.leave()
    assert pool.enter()


def test_slots_are_handed_out_in_the_order_they_were_asked_for() -> None:
    pool = Pool(Limit(active=1, waiting=8, patience=10))
    assert pool.enter()
    served: list[int] = []

    def wait(number: int) -> None:
        assert pool.enter()
        served.append(number)
        pool.leave()

    threads = []
    for number in range(8):
        thread = threading.Thread(target=wait, args=(number,))
        thread.start()
        while len(pool._queue) <= number:
            pass
        threads.append(thread)
    pool.leave()
    for thread in threads:
        thread.join(10)
    assert served == list(range(8))


def test_a_slot_that_is_handed_over_to_somebody_who_gives_up_waiting_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = Pool(Limit(active=1, waiting=1, patience=60))
    assert pool.enter()

    def lost() -> bool:
        pool.leave()
        return True

    monkeypatch.setattr(pulse, "lost", lost)
    assert pool.enter()
    monkeypatch.undo()
    pool.leave()
    assert pool.enter()
    assert not Pool(Limit(active=0, waiting=1, patience=0.01)).enter()


def test_whoever_gave_up_waiting_is_not_handed_the_next_slot() -> None:
    pool = Pool(Limit(active=1, waiting=1, patience=0.05))
    assert pool.enter()
    assert not pool.enter()
    pool.leave()
    assert pool.enter()


def test_never_more_than_the_limit_are_inside_under_a_storm() -> None:
    pool, inside, most, lock = Pool(Limit(active=3, waiting=50, patience=10)), [0], [0], threading.Lock()

    def visit() -> None:
        for _ in range(200):
            assert pool.enter()
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            with lock:
                inside[0] -= 1
            pool.leave()

    threads = [threading.Thread(target=visit) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most[0] <= 3
    assert pool._free == 3


ONE = dict.fromkeys(LIMITS, Limit(active=1, waiting=0, patience=0))


class Bounded(list[bytes]):
    streaming = False


def request(path: str, body: bytes = b"", method: str = "GET", **more: str) -> Environ:
    length = {"CONTENT_LENGTH": str(len(body))} if body else {}
    return {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": BytesIO(body), **length, **more}


class Heard:
    """What the application said to the server."""

    status = ""

    def __call__(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status = status


def test_an_application_that_raises_gives_its_slot_back() -> None:
    def broken(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        raise RuntimeError

    pools = Pools(broken, ONE)
    for _ in range(3):
        with pytest.raises(Broken):
            pools(request("/studies/"), Heard())


def test_a_bounded_answer_that_fails_while_it_is_made_gives_its_slot_back() -> None:
    class Failing:
        streaming = False

        def __iter__(self) -> Iterator[bytes]:
            raise RuntimeError

    pools = Pools(lambda environ, start_response: Failing(), ONE)
    for _ in range(3):
        with pytest.raises(Broken):
            pools(request("/studies/"), Heard())


def test_a_stream_keeps_its_slot_until_it_is_closed_and_gives_it_back_once() -> None:
    pools, heard = Pools(lambda environ, start_response: iter([b"a", b"b"]), ONE), Heard()
    first = pools(request("/dicom-web/studies/1.2"), heard)
    pools(request("/dicom-web/studies/1.2"), heard)
    assert heard.status.startswith("503")
    assert b"".join(first) == b"ab"
    for _ in range(2):
        first.close()  # type: ignore[attr-defined]
    assert pools._pools["stream"]._free == 1


def test_a_body_is_read_before_the_page_is_entered_and_arrives_whole() -> None:
    seen = []

    def page(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        seen.append((environ["wsgi.input"].read(), environ["CONTENT_LENGTH"]))
        return Bounded()

    pools = Pools(page, ONE)
    pools(request("/sign-in/", b"code=123456", "POST"), Heard())
    unsized = request("/sign-in/", b"", "POST", HTTP_TRANSFER_ENCODING="chunked")
    unsized["wsgi.input"] = BytesIO(b"in pieces")
    pools(unsized, Heard())
    assert seen == [(b"code=123456", "11"), (b"in pieces", "9")]


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_beyond_the_limit_never_reaches_a_page(declared: bool) -> None:
    def page(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        raise AssertionError("reached")

    heard, long = Heard(), request("/sign-in/", b"x" * (LONGEST_FORM + 2), "POST")
    if not declared:
        del long["CONTENT_LENGTH"]
        long["HTTP_TRANSFER_ENCODING"] = "chunked"
    Pools(page, ONE)(long, heard)
    assert heard.status.startswith("413")


def test_an_upload_is_handed_over_unread() -> None:
    source = BytesIO(b"x" * (LONGEST_FORM + 10))

    def store(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        assert environ["wsgi.input"] is source
        assert source.tell() == 0
        return Bounded()

    upload = request("/dicom-web/studies", b"", "POST", CONTENT_LENGTH=str(LONGEST_FORM + 10))
    upload["wsgi.input"] = source
    Pools(store, ONE)(upload, Heard())
