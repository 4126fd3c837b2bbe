"""DICOM's names, dates and times as people read them. What cannot be read as such is shown as it was received."""

from datetime import date

from django.utils.formats import date_format
from django.utils.translation import get_language

GIVEN_AND_MIDDLE = 2


def readable_name(value: str) -> str:
    """Return a person name (PS3.5 §6.2.1) as `DOE, Jane`, its ideographs behind it in parentheses."""
    alphabetic, *others = value.split("=", 2)
    first, rest = _components(alphabetic, ", "), [_components(group, " ") for group in others]
    written = " · ".join(group for group in rest if group)
    if not first or not written:
        return first or written
    return f"{first} ({written})"


def _components(group: str, after_family: str) -> str:
    """Family, given and middle name; then prefix and suffix."""
    family, *rest = (component.strip() for component in group.split("^"))
    given = " ".join(component for component in rest[:GIVEN_AND_MIDDLE] if component)
    titles = " ".join(component for component in rest[GIVEN_AND_MIDDLE:] if component)
    named = after_family.join(part for part in (family, given) if part)
    return " ".join(part for part in (named, titles) if part)


def readable_date(value: str) -> str:
    """Return a DICOM date (`20260301`) as `2026-03-01`, in French `01/03/2026`."""
    try:
        day = date(int(value[0:4]), int(value[4:6]), int(value[6:8]))
    except ValueError:
        return value
    return date_format(day, "d/m/Y" if (get_language() or "").startswith("fr") else "Y-m-d")


def readable_time(value: str) -> str:
    """Return a DICOM time (`101500.25`) as `10:15`."""
    return f"{value[0:2]}:{value[2:4]}" if value[0:4].isdecimal() and len(value) >= len("hhmm") else value
