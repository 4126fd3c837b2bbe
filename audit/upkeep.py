"""What the record needs done now and then, for whoever keeps the time: the scheduler, once every few seconds."""

import time
from datetime import timedelta

from django.utils import timezone

from audit import checkpoints, leases, overdue
from audit.models import Heartbeat

SWEEP_SECONDS = 3600.0
RULES_SECONDS = 60.0
HEARTBEATS_KEPT = timedelta(days=1)

_swept_at: float | None = None
_looked_at: float | None = None


def tick() -> None:
    """Sign what is due, retry anchors, look once a minute at what depends on time alone, and once an hour sweep leases
    and heartbeats of processes long gone."""
    global _swept_at, _looked_at
    try:
        checkpoints.sign_due()
    finally:
        # A signer that cannot sign is one of the things to be told.
        if _looked_at is None or time.monotonic() - _looked_at >= RULES_SECONDS:
            _looked_at = time.monotonic()
            overdue.look()
    if _swept_at is None or time.monotonic() - _swept_at >= SWEEP_SECONDS:
        leases.sweep()
        Heartbeat.objects.filter(beaten_at__lt=timezone.now() - HEARTBEATS_KEPT).delete()
        _swept_at = time.monotonic()


def forget() -> None:
    """Do everything again at the next tick."""
    global _swept_at, _looked_at
    _swept_at, _looked_at = None, None
