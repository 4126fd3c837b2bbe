"""Success on the socket comes after the disk: watched from outside, on the real receiver and a real sender."""

import re
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests import builders
from tests.conftest import REQUIRED
from tests.e2e.running import Archive, wait_for
from tests.services import absent, program

pytestmark = [pytest.mark.dcmtk, pytest.mark.slow]
CALL = re.compile(r'(?P<thread>\d+) +(?P<call>\w+)\(\d+<(?P<path>[^>]*)>(?:, "(?P<data>[^"]*))?')
P_DATA, RELEASED = r"\4\0", r"\6\0"


def test_every_success_follows_the_sync_of_its_pack_and_its_rows_follow_before_the_release(
    archive: Archive, dcmtk: Callable[[str], str], tmp_path: Path
) -> None:
    strace = program("strace")
    if strace is None:
        absent("strace", REQUIRED)
    folder = tmp_path / "sent"
    folder.mkdir()
    for number, ds in enumerate(builders.study(6, side=64)):
        (folder / f"{number}.dcm").write_bytes(builders.part10(ds))
    receivers = archive.processes("serve dimse")
    trace = tmp_path / "trace"
    calls = "trace=write,writev,pwrite64,pwritev,fsync,fdatasync,sendto,sendmsg"
    watcher = subprocess.Popen(
        [strace, "-f", "-y", *(f"-p{pid}" for pid in receivers), "-o", str(trace), "-e", calls, "-s", "16"],
        stderr=subprocess.DEVNULL,
    )
    for pid in receivers:
        wait_for(partial(_is_traced, pid), 20, "the watcher")

    sender = [dcmtk("dcmsend"), "-aet", "CT_ONE", "-aec", "CUSTOS", "127.0.0.1", str(archive.dicom_port), "+sd"]
    sent = subprocess.run([*sender, str(folder)], timeout=100, capture_output=True, text=True)
    watcher.send_signal(signal.SIGINT)
    watcher.wait(20)

    assert sent.returncode == 0, sent.stderr
    assert answers_after_syncs(trace.read_text()) == 6


def _is_traced(pid: int) -> bool:
    return "TracerPid:\t0" not in Path(f"/proc/{pid}/status").read_text()


def answers_after_syncs(trace: str) -> int:
    """Count the answers in the trace; before each, what was written to the pack must have been synced.

    Rows are never durable before the bytes that they name; those of the first object are before it is answered, those
    of all before the association's release is.
    """
    calls = [called for called in map(CALL.match, trace.splitlines()) if called]
    rows = Counter(one["thread"] for one in calls if "write" in one["call"] and one["path"].endswith("-wal"))
    # Other threads of the process keep the pulse; what they write, which is little, is not what is answered for.
    ((writer, _),) = rows.most_common(1)
    answers, released, written, dirty = 0, 0, set[str](), set[tuple[str, str]]()
    for called in calls:
        thread, call, path = called["thread"], called["call"], called["path"]
        if "write" in call and path.endswith(".pack"):
            dirty.add(("", path))
            written.add("pack")
        elif "write" in call and path.endswith("-wal") and thread == writer:
            dirty.add((thread, path))
            written.add("database")
        elif call in ("fsync", "fdatasync"):
            dirty -= {("", path), (thread, path)}
            if path.endswith("-wal") and thread == writer:
                assert not dirty, f"rows were synced before {dirty}"
        elif call.startswith("send") and (called["data"] or "").startswith(P_DATA):
            answers += 1
            unsynced = {path for thread, path in dirty if not thread}
            assert not unsynced, f"answer {answers} left before {unsynced} was synced"
            assert written == {"pack", "database"} if answers == 1 else "pack" in written
            written.discard("pack")
        elif call.startswith("send") and (called["data"] or "").startswith(RELEASED):
            assert not dirty, f"the release was answered before {dirty} was synced"
            assert "database" in written
            released += 1
    assert released == 1
    return answers
