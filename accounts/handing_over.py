"""A device's new key on its way out: packed once for whoever carries it there, and kept nowhere."""

import base64
import secrets
import zipfile
from io import BytesIO
from typing import Final, NamedTuple

from accounts.enrolment import Bundle
from accounts.models import Device
from vault import certificates

_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS: Final = 5
_README: Final = (
    "key.pem is the device's private key: whoever has it can speak as the device. Delete it once it is loaded.\n"
    "certificate.pem is what the device shows. authority.pem is what it must trust.\n"
)


class Parcel(NamedTuple):
    """The same twice: as a PKCS#12 file that the password opens, and as a zip of PEM files that is open."""

    password: str
    pkcs12: bytes
    zipped: bytes

    @property
    def pkcs12_address(self) -> str:
        """The file as an address within the page that offers it, so that it is never asked for again."""
        return f"data:application/x-pkcs12;base64,{base64.b64encode(self.pkcs12).decode()}"

    @property
    def zip_address(self) -> str:
        return f"data:application/zip;base64,{base64.b64encode(self.zipped).decode()}"


def pack(device: Device, bundle: Bundle) -> Parcel:
    """Pack what `enrolment.enrol` gave, under a password of about 120 bits that is shown once."""
    password = "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(_GROUPS))
    sealed = certificates.sealed_bundle(device.ae_title, bundle.key, bundle.certificate, bundle.authority, password)
    return Parcel(password, sealed, _zipped(bundle))


def _zipped(bundle: Bundle) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in bundle._asdict().items():
            archive.writestr(f"{part}.pem", content)
        archive.writestr("README.txt", _README)
    return buffer.getvalue()
