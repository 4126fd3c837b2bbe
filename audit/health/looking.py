"""The record's health as a whole, as page and command show it. Says nothing of any study or patient."""

from collections.abc import Callable
from functools import partial

from django.utils.translation import gettext as _

from audit import clock
from audit.health import running, signed, told
from audit.health.lines import Health, guarded


def look(floor: Callable[[int], int]) -> Health:
    """Look at everything now; `floor` says how many bytes of a disk of a size are kept free. Changes nothing.

    Raises DatabaseError where there is no database to ask for the time.
    """
    parts = (
        ("head", _("End of the record"), signed.head),
        ("checkpoint", _("Last checkpoint"), signed.checkpoint),
        ("anchor", _("Anchors"), signed.each_anchor),
        ("verification", _("Last verification"), told.verification),
        ("alerts", _("Open alerts"), told.open_alerts),
        ("refusals", _("Refusals of strangers"), told.refusals),
        ("processes", _("Processes"), running.processes),
        ("pulse", _("Pulse of this process"), running.own_pulse),
        ("journals", _("Journals waiting"), running.waiting_journals),
        ("destination", _("Collector of audit messages"), told.destination),
        ("clock", _("Clock"), running.clocks),
        ("disk", _("Room on the disk"), partial(running.disk, floor)),
    )
    return Health(clock.moment(), tuple(line for part in parts for line in guarded(*part)))
