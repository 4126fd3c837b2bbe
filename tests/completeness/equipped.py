"""The page of a device and what is done there; who calls and is not known; what is refused on the wire."""

from typing import Final

from tests.completeness.administering import NOBODYS, page, posted
from tests.completeness.rows import Row, done, missed, plain, refused

A_DEVICE: Final = "a device"
READ: Final = (
    Row("page", "administrator", "/devices/{device}/", 200, (), given=A_DEVICE),
    Row("page", "technologist", "/devices/{device}/", 200, (), given=A_DEVICE),
    Row("page", "technologist", "/devices/", 200, ()),
    Row("page", "technologist", "/devices/equipment/", 200, ()),
    Row("page", "radiologist", "/devices/equipment/", 403, refused("device:read")),
    Row("page", "radiologist", "/devices/{device}/", 403, refused("device:read"), given=A_DEVICE),
    page("technologist", f"/devices/{NOBODYS}/", 404, missed("device:read")),
    posted("technologist", "/devices/{device}/", 403, refused("device:changed"), A_DEVICE),
    posted("technologist", "/devices/{device}/active/", 403, refused("device:changed"), A_DEVICE, active="no"),
)

ENROLLED: Final = (
    posted("administrator", "/devices/{device}/enrol/", 200, done("device:enrolled"), A_DEVICE),
    posted("administrator", "/devices/{device}/enrol/", 302, refused("device:enrolled"), A_DEVICE, "tired"),
    posted("technologist", "/devices/{device}/enrol/", 403, refused("device:changed"), A_DEVICE),
    posted("administrator", f"/devices/{NOBODYS}/enrol/", 404, missed("device:changed"), ""),
    posted("administrator", "/devices/{device}/revoke/", 302, done("device:changed"), A_DEVICE),
    posted("technologist", "/devices/{device}/revoke/", 403, refused("device:changed"), A_DEVICE),
    posted("administrator", f"/devices/{NOBODYS}/revoke/", 404, missed("device:changed"), ""),
)

CALLED: Final = (
    posted("technologist", "/devices/{device}/echo/", 200, done("device:called"), A_DEVICE),
    posted("radiologist", "/devices/{device}/echo/", 403, refused("device:called"), A_DEVICE),
    posted("technologist", f"/devices/{NOBODYS}/echo/", 404, missed("device:called"), ""),
)

A_CALLER: Final = "an unknown caller"
BLOCK: Final = "/devices/callers/{caller}/block/"
CALLERS: Final = (
    Row("page", "administrator", "/devices/callers/", 200, (), given=A_CALLER),
    Row("page", "technologist", "/devices/callers/", 403, refused("device:changed")),
    posted("administrator", BLOCK, 302, done("device:changed"), A_CALLER, blocked="yes"),
    posted("administrator", BLOCK, 302, done("device:changed"), A_CALLER, blocked=""),
    posted("technologist", BLOCK, 403, refused("device:changed"), A_CALLER, blocked="yes"),
    posted("administrator", f"/devices/callers/{NOBODYS}/block/", 404, missed("device:changed"), "", blocked="yes"),
)

ENROLLED_ONE: Final = "a device with a certificate"
WIRE: Final = (
    Row("wire", "{ae_title}", "tls", 0, done("wire:echo"), given=ENROLLED_ONE),
    # Whoever shows a certificate and is not its device is refused like anybody unknown, after the handshake.
    Row("wire", "NOBODY", "tls", 1, (plain("wire:refused", "denied", 1),), given=ENROLLED_ONE),
    Row("wire", "NOBODY", "tls", 1, (plain("wire:refused", "denied", 1),)),
    Row(
        "wire",
        "CT_ONE",
        "store",
        0xC000,
        (*done("wire:association"), plain("study:rejected", "failed", 1)),
        method="POST",
        given="an image without a study",
    ),
)

ROWS: Final = (*WIRE, *READ, *ENROLLED, *CALLED, *CALLERS)
