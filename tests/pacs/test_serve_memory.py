"""What the servers tell the C library and the collector about memory is understood by them."""

import ctypes
import gc
import os
import subprocess
import sys

import pytest

from pacs import start
from pacs.serve import MEMORY

MANY = 12
HEAPS = f"""
import ctypes, threading

def work():
    held = bytearray(100_000)
    together.wait()

together = threading.Barrier({MANY})
threads = [threading.Thread(target=work) for _ in range({MANY})]
for thread in threads: thread.start()
for thread in threads: thread.join()
library = ctypes.CDLL(None)
library.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(library.fdopen(1, b"w"))
library.malloc_info(0, out)
library.fflush(out)
"""


def heaps(**told: str) -> int:
    """How many arenas a process made while many threads worked at once."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")} | told
    ended = subprocess.run([sys.executable, "-c", HEAPS], env=environ, capture_output=True, text=True, check=True)
    return ended.stdout.count("<heap nr=")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="another C library")
def test_threads_that_work_at_once_do_not_each_keep_memory_of_their_own() -> None:
    assert heaps() > 2
    assert heaps(**{name: str(value) for name, value in MEMORY.items()}) <= 2


def test_the_collector_of_a_serving_process_looks_no_more_at_what_it_loaded() -> None:
    threshold = gc.get_threshold()
    try:
        start._steady()
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < 10_000
        assert gc.get_threshold()[0] > threshold[0]
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)
