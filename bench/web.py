"""HTTP under load by ``wrk``: requests a second and how long they took, each answer held to its status."""

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SCRIPT: Final = """
local paths = {}
for line in io.lines("%s") do paths[#paths + 1] = line end
local at = %d
local wrong = 0
request = function()
  at = at %% #paths + 1
  return wrk.format("GET", paths[at])
end
response = function(status, headers, body)
  if status ~= 200 or #body < %d then wrong = wrong + 1; wrk.thread:set("wrong", wrong) end
end
local threads = {}
setup = function(thread) threads[#threads + 1] = thread end
done = function(summary, latency, requests)
  local all = 0
  for _, thread in ipairs(threads) do all = all + (thread:get("wrong") or 0) end
  io.write(string.format("TOLD %%d %%d %%d %%d %%d %%d %%d\\n", summary.requests, summary.bytes, summary.duration,
    all + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Load:
    """What came of a load: requests a second, bytes of bodies and heads in all, and latencies in ms."""

    rate: float
    requests: int
    size: int
    p50: float
    p95: float
    p99: float


def load(
    url: str,
    paths: Sequence[str],
    *,
    clients: int,
    seconds: float,
    headers: Mapping[str, str] | None = None,
    least: int = 1,
    first: int = 0,
) -> Load:
    """Ask for the paths in turn, by so many clients that keep their connections, beginning at ``first``.

    Raises RuntimeError where an answer is not 200, or smaller than ``least`` bytes.
    """
    with tempfile.TemporaryDirectory(prefix="custos-bench-wrk-") as folder:
        named, script = Path(folder) / "paths", Path(folder) / "load.lua"
        named.write_text("\n".join(paths) + "\n", encoding="utf-8")
        script.write_text(SCRIPT % (named, first % len(paths), least), encoding="utf-8")
        command = ["wrk", "-t", "1", "-c", str(clients), "-d", f"{seconds:g}s", "--timeout", "30s", "-s", str(script)]
        for name, value in (headers or {}).items():
            command += ["-H", f"{name}: {value}"]
        done = subprocess.run([*command, url], capture_output=True, text=True, check=True, timeout=seconds + 120)
    told = re.search(r"TOLD (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", done.stdout)
    if told is None:
        raise RuntimeError(f"wrk told nothing: {done.stdout[-500:]}{done.stderr[-500:]}")
    requests, size, duration, wrong, p50, p95, p99 = map(int, told.groups())
    if wrong or not requests:
        raise RuntimeError(f"{wrong} of {requests} answers of {url} were wrong")
    return Load(requests / (duration / 1e6), requests, size, p50 / 1e3, p95 / 1e3, p99 / 1e3)
