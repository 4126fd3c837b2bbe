"""Why a device was refused, in words for whoever looks after it: what happened, and what to do now."""

from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Failure(NamedTuple):
    """What happened, and what to do."""

    happened: Promise
    advice: Promise


DISABLED: Final = "disabled"
OTHER_ADDRESS: Final = "other-address"
ENDED: Final = "certificate-ended"
MISSING: Final = "certificate-missing"
FOREIGN: Final = "certificate-foreign"
OF_ANOTHER: Final = "certificate-of-another"
NOT_ENROLLED: Final = "certificate-not-enrolled"
ELSEWHERE: Final = "certificate-elsewhere"
IN_THE_CLEAR: Final = "in-the-clear"
NETWORK: Final = "network-needs-tls"
CALLED: Final = "called-title"
CALLING: Final = "calling-title"
SERVICE: Final = "service"
SOP_CLASS: Final = "sop-class"
OLD_TLS: Final = "tls-too-old"
SUITES: Final = "tls-suites"
HANDSHAKE: Final = "tls-failed"
CROWDED: Final = "crowded"
PROTOCOL: Final = "protocol"

FAILURES: Final[dict[str, Failure]] = {
    DISABLED: Failure(_("Known, but disabled here."), _("Enable it on this page if it may send again.")),
    OTHER_ADDRESS: Failure(
        _("Known, but it called from an address that is not its own."),
        _("If the device has moved, change its address here. If not, find out who uses its AE title."),
    ),
    ENDED: Failure(
        _("Known, but its certificate has ended."), _("Give it a new certificate and carry that to the device.")
    ),
    MISSING: Failure(
        _("It began TLS and showed no certificate."),
        _("Load its key and certificate into the device, and switch on “client authentication” there."),
    ),
    FOREIGN: Failure(
        _("It showed a certificate of another authority, or one for another use."),
        _("Load the certificate that was issued here into the device."),
    ),
    OF_ANOTHER: Failure(
        _("It showed the certificate of another device."),
        _("Load this device's own certificate into it. If nobody confused the two, end the other's certificate."),
    ),
    NOT_ENROLLED: Failure(
        _("It showed a certificate of this archive that is not, or no longer, its own."),
        _("Load the newest certificate into the device, or give it a new one."),
    ),
    ELSEWHERE: Failure(
        _("Its certificate was shown under another AE title."),
        _("Correct the AE title on the device. If nobody changed it, end the certificate: its key may be stolen."),
    ),
    IN_THE_CLEAR: Failure(
        _("It spoke in the clear and must use TLS."), _("Set the device to TLS and to the port of DICOM TLS.")
    ),
    NETWORK: Failure(
        _("It spoke in the clear from a network where plain DICOM is not allowed."),
        _("Give it a certificate and set it to TLS, or list its network in PACS_DICOM_PLAIN_NETWORKS."),
    ),
    CALLED: Failure(
        _("It called an AE title that is not one of this archive's."),
        _("Correct the called AE title on the device, or add it to PACS_AE_TITLES."),
    ),
    CALLING: Failure(_("Nobody here is known by this AE title."), _("Adopt it if it is yours, or block it.")),
    SERVICE: Failure(
        _("It asked for a service that it may not use."), _("Tick the service under “May” if it shall use it.")
    ),
    SOP_CLASS: Failure(
        _("It offered a kind of object that is not taken from it."),
        _("Leave that kind out on the device, or widen the list of kinds that it may send."),
    ),
    OLD_TLS: Failure(
        _("It offered a version of TLS that is too old."), _("Set TLS 1.2 or 1.3 on the device, or update it.")
    ),
    SUITES: Failure(
        _("It offered no cipher suite that is strong enough."),
        _("Switch on ECDHE with AES-GCM or ChaCha20 on the device, or update it."),
    ),
    HANDSHAKE: Failure(
        _("The TLS handshake failed."),
        _("Make sure that TLS is on, on this port, and that the device trusts the authority of this archive."),
    ),
    CROWDED: Failure(
        _("It had too many associations open at once."),
        _("Set fewer associations on the device, or look why they are not closed."),
    ),
    PROTOCOL: Failure(
        _("Its association request is not one that DICOM knows."), _("Ask the maker of the device for an update.")
    ),
}

OF_CERTIFICATES: Final = frozenset({ENDED, MISSING, FOREIGN, OF_ANOTHER, NOT_ENROLLED, ELSEWHERE, IN_THE_CLEAR})
"""What a stolen key or a device that fell back would look like: each raises an alert."""


def words(code: str) -> Failure:
    """The words of a code; one of a newer program stands as it is."""
    return FAILURES.get(code) or Failure(code, "")  # type: ignore[arg-type]
