"""How a device's certificate stands, in words for its page."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Device

SOON: Final = timedelta(days=30)


class Standing(NamedTuple):
    """`tone` is `ok`, `warn`, `bad` or empty where there is nothing to judge."""

    tone: str
    words: str


def standing(device: Device, now: datetime) -> Standing:
    """Tell how long the certificate of a device still lasts, or what it means that there is none."""
    if device.certificate_ends is None:
        if device.only_tls:
            return Standing("bad", _("Its certificate was ended; it is refused until it has a new one."))
        return Standing("", _("It has none and speaks in the clear, from networks where that is allowed."))
    left = device.certificate_ends - now
    if left <= timedelta(0):
        return Standing("bad", _ended(-left.days))
    words = ngettext("It lasts %(days)s more day.", "It lasts %(days)s more days.", left.days) % {"days": left.days}
    if left.days == 0:
        words = _("It ends within a day.")
    return Standing("warn" if left <= SOON else "ok", words)


def _ended(days: int) -> str:
    """`days` are begun days: 1 within the first day after the end."""
    if days <= 1:
        return _("It ended within the last day.")
    return ngettext("It ended %(days)s day ago.", "It ended %(days)s days ago.", days - 1) % {"days": days - 1}
