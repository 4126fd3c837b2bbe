"""What the record needs done now and then, for whoever keeps the time: the scheduler, once every few seconds."""

import time
from datetime import timedelta

from django.utils import timezone

from audit import checkpoints, leases
from audit.models import Heartbeat

SWEEP_SECONDS = 3600.0
HEARTBEATS_KEPT = timedelta(days=1)

_swept_at: float | None = None


def tick() -> None:
    """Sign what is due, retry anchors, and once an hour sweep leases and heartbeats of processes long gone."""
    global _swept_at
    checkpoints.sign_due()
    if _swept_at is None or time.monotonic() - _swept_at >= SWEEP_SECONDS:
        leases.sweep()
        Heartbeat.objects.filter(beaten_at__lt=timezone.now() - HEARTBEATS_KEPT).delete()
        _swept_at = time.monotonic()
