"""Whether a known vulnerability lies in what the program pins; ``python -m tests.vulnerable`` ends with 1 if so.

The auditor answers "none" also where nobody could be asked, or where whoever was asked knew not one of the packages.
Here these are told apart: nobody asked is said in words and passes, so that a machine without a network can lint.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
PINNED: Final = ("requirements.txt",)
WAIVERS: Final = ROOT / ".ci" / "waivers"
SECONDS: Final = 300


@dataclass(frozen=True)
class Waiver:
    """A vulnerability that is borne until the end of a day, for a reason."""

    identifier: str
    package: str
    until: date
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What is said, and whether the build may go on."""

    words: tuple[str, ...]
    passes: bool


def read(text: str) -> tuple[Waiver, ...]:
    """Read the waivers. ValueError for a line without an id, a package, a day and a reason."""
    rows = [line.split(maxsplit=3) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for row in rows:
        if len(row) != 4:
            raise ValueError(f"A waiver has an id, a package, a day and a reason: {' '.join(row)}")
    return tuple(Waiver(name, package, date.fromisoformat(day), reason) for name, package, day, reason in rows)


def judged(report: str, waivers: Sequence[Waiver], today: date) -> Verdict:
    """Judge what the auditor wrote; what it did not write stands for a service that could not be reached."""
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Verdict(("Not audited: no service of vulnerabilities could be reached.",), passes=True)
    unknown = [one["name"] for one in packages if "skip_reason" in one]
    if len(unknown) == len(packages):
        return Verdict(("Not audited: whoever was asked knows not one of the packages.",), passes=True)
    found = {(alias, one["name"]) for one in packages for each in one.get("vulns", ()) for alias in _names(each)}
    borne = {(one.identifier, one.package) for one in waivers if one.until >= today}
    words = [
        *(f"Not audited: {name}, which whoever was asked does not know." for name in unknown),
        *(
            f"{one['name']} {one['version']}: {each['id']}, mended in {', '.join(each.get('fix_versions', ())) or '-'}"
            for one in packages
            for each in one.get("vulns", ())
            if not any((alias, one["name"]) in borne for alias in _names(each))
        ),
        *(f"The waiver of {one.identifier} ended on {one.until}." for one in waivers if one.until < today),
        *(
            f"There is no {one.identifier} in {one.package} any more; remove its waiver."
            for one in waivers
            if (one.identifier, one.package) not in found
        ),
    ]
    return Verdict(tuple(words) or ("No known vulnerability.",), passes=not words)


def _names(vulnerability: dict[str, Any]) -> tuple[str, ...]:
    return (vulnerability["id"], *vulnerability.get("aliases", ()))


def report(name: str) -> str:
    """What the auditor writes about one file; nothing where it can ask nobody."""
    program = [sys.executable, "-m", "pip_audit", "-r", name, "--require-hashes", "--disable-pip", "-f", "json"]
    try:
        done = subprocess.run(
            [*program, "--progress-spinner", "off"], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


def main() -> int:
    waivers, passes = read(WAIVERS.read_text(encoding="utf-8")), True
    for name in PINNED:
        verdict = judged(report(name), waivers, datetime.now(UTC).date())
        passes = passes and verdict.passes
        for words in verdict.words:
            sys.stdout.write(f"{name}: {words}\n")
    return 0 if passes else 1


if __name__ == "__main__":
    sys.exit(main())
