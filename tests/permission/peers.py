"""The devices of the table of the wire, and what each hears."""

from typing import Any, Final

from accounts import devices
from accounts.models import Device, Group
from archive.dimse.server import Server
from tests.archive.dimse.peers import VERIFICATION, associated, sends
from tests.completeness.studies import Names
from tests.completeness.test_doors import SERVICES_TO_COME

TITLES: Final = {
    "storing": "CT_ONE",
    "foreign": "ECHO_ONE",
    "mute": "MUTE",
    "disabled": "DISABLED",
    "elsewhere": "ELSEWHERE",
    "only tls": "ONLY_TLS",
    "unknown": "UNKNOWN",
}
TO_COME: Final = {"commitment": "storage commitment", "worklist": "modality worklist"}
IMPLICIT: Final = "1.2.840.10008.1.2"


class Wire:
    """A listener of its own, and the devices before it."""

    def __init__(self) -> None:
        radiology = Group.objects.get(name="Radiology")
        for column in ("mute", "disabled", "elsewhere", "only tls"):
            address = "127.0.0.99/32" if column == "elsewhere" else "127.0.0.1/32"
            made = devices.create(
                TITLES[column], address, groups=[radiology], may=[] if column == "mute" else ["store"]
            )
            Device.objects.filter(pk=made.pk).update(is_active=column != "disabled", only_tls=column == "only tls")
        self.server = Server("127.0.0.1", 0).start()

    def stop(self) -> None:
        self.server.stop(2.0)

    def letter(self, service: str, column: str, names: Names) -> str:
        """`>` where the device may not associate at all, `-` where the service is none that it may use."""
        title, classes = TITLES[column], _classes(service, names)
        with associated(self.server.port, [(uid, [IMPLICIT]) for uid in classes], calling=title) as association:
            if not association.is_established:
                # Where not one class is accepted there is nothing to do, and the peer itself ends the association.
                return "-" if association.rejected_contexts else ">"
            if service == "C-ECHO":
                return "." if association.send_c_echo().Status == 0 else "!"
        return self._stored(title, names["image"]) if service == "C-STORE" else "."

    def _stored(self, title: str, image: Any) -> str:
        (status,) = sends(self.server.port, image, calling=title)
        return {0: ".", 0x0124: "-"}.get(status, "!")


def _classes(service: str, names: Names) -> tuple[str, ...]:
    if service == "C-ECHO":
        return (VERIFICATION,)
    if service == "C-STORE":
        return (names["image"].SOPClassUID,)
    return tuple(SERVICES_TO_COME[TO_COME.get(service, service)])
