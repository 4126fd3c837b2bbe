"""Filters of the templates: DICOM values as people read them, and the state of a study that is arriving."""

from datetime import datetime, timedelta

from django import template
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from archive.arrivals import QUIET, Arrival
from archive.browser.names import readable_date, readable_name, readable_time
from archive.query import StudyRow

register = template.Library()
register.filter("person_name", readable_name)
register.filter("dicom_date", readable_date)
register.filter("dicom_time", readable_time)

MENTIONED = timedelta(hours=24)
"""For how long a list still says when a study's last image came."""


@register.filter
def row_id(study_uid: str) -> str:
    """The id of the element that holds this study's state."""
    return "state-" + study_uid.replace(".", "-")


@register.simple_tag
def is_receiving(row: StudyRow | Arrival, now: datetime) -> bool:
    """Whether images of this study were still coming in a moment ago."""
    return now - row.last_received_at < QUIET


@register.simple_tag
def arrival(row: StudyRow | Arrival, now: datetime) -> str:
    """`receiving, 213 images, last 4 s ago`, then `quiet since 14:02`; nothing for a study of another day."""
    age = now - row.last_received_at
    if age >= MENTIONED:
        return ""
    if age >= QUIET:
        return _("quiet since %(time)s") % {"time": localtime(row.last_received_at).strftime("%H:%M")}
    counted = ngettext("%(count)s image", "%(count)s images", row.instance_count) % {"count": row.instance_count}
    values = {"images": counted, "seconds": max(0, int(age.total_seconds()))}
    return _("receiving, %(images)s, last %(seconds)s s ago") % values
