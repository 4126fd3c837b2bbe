"""A verification as it is done by people and every night: told at once, on record with its verdict, and remembered."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import Error as DatabaseFault

from audit import alerts, anchors, checkpoints, clock, log, tables, verify
from audit.actions import Action, Outcome
from audit.anchors import Place
from audit.errors import LogUnavailable
from audit.events import Event
from audit.models import AuditEvent
from audit.receipts import Who
from audit.verify import Report
from audit.walk import Wrong
from keystore.errors import KeystoreError
from vault.errors import Tampered

UNVERIFIED = 9
GOOD = frozenset({0, 4})
"""Codes of a verification that ended well: intact, or intact as far as a restored backup kept it."""
UNREADABLE = (DatabaseFault, KeystoreError, tables.Unreadable, anchors.AnchorError, OSError)
MOST_READ = 200


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verification as it stands on record: when, by whom, its code (None: its details do not open), rows read."""

    at: datetime
    by: str
    code: int | None
    rows: int

    @property
    def good(self) -> bool:
        """Tell whether the whole record was found as it was written."""
        return self.code in GOOD


def run(who: Who, places: Sequence[Place] | None = None, *, told: Callable[[Report], None] | None = None) -> Report:
    """Verify the whole record, alert or settle, hand the report to `told`, and put the verdict on record.

    What cannot be read is on record as code 9 and raised as it came. Raises LogUnavailable too, after `told`.
    """
    try:
        report = verify.run(places)
    except UNREADABLE as error:
        with suppress(LogUnavailable):
            _record(who, UNVERIFIED, 0, [anchors.reason(error)])
        raise
    if told is not None:
        told(report)
    _alert(report, who.name, whole=places is None)
    _record(who, report.code, report.rows, [finding.text for finding in report.findings])
    return report


def gravest(report: Report) -> str:
    """The words of the finding that decides the code."""
    return min(report.findings, key=lambda finding: verify.EXIT[finding.wrong]).text


def last() -> Verdict | None:
    """The newest verification on record, however it ended."""
    return next(_newest(1), None)


def last_good() -> Verdict | None:
    """The newest verification that ended well, as the sealed details say: the clear columns can be made up."""
    return next((verdict for verdict in _newest(MOST_READ) if verdict.good), None)


def _newest(most: int) -> Iterator[Verdict]:
    rows = AuditEvent.objects.filter(action=Action.LOG_VERIFIED).order_by("-log", "-seq")[:most]
    return (_verdict(row) for row in rows)


def _verdict(row: AuditEvent) -> Verdict:
    try:
        code = (log.open_details(row) or {}).get("code")
    except (Tampered, KeystoreError):
        code = None
    at = clock.at(row.time_us)
    return Verdict(at, f"{row.actor_kind}:{row.actor_name}", code if isinstance(code, int) else None, row.count)


def _alert(report: Report, name: str, *, whole: bool) -> None:
    """Tell what was found; what an earlier one found is settled only against the anchors of the installation."""
    if any(finding.wrong is not Wrong.RESTORED for finding in report.findings):
        alerts.raise_("tampering", checkpoints.origin(1), f"A verification found: {gravest(report)}.")
    elif whole:
        newest = (tables.head() or (1,))[0]
        for number in range(1, newest + 1):
            for kind in ("tampering", "verification-overdue"):
                alerts.settle(kind, checkpoints.origin(number), name)


def _record(who: Who, code: int, rows: int, found: list[str]) -> None:
    outcome = Outcome.FAILED if code else Outcome.OK
    log.commit([Event(Action.LOG_VERIFIED, outcome, who, count=rows, details={"code": code, "found": found})])
