"""What is set on a device so that it finds this archive: host, port and AE titles, as words and as a picture."""

from typing import Final, NamedTuple

import segno
from django.conf import settings

from accounts.models import Device

_ANYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 # nosec B104 # compared with, not listened on


class Settings(NamedTuple):
    """Nothing of it is secret."""

    host: str
    port: int
    called: str
    calling: str
    tls: bool

    @property
    def text(self) -> str:
        """The same as lines for a picture that a telephone or a scanner reads."""
        tls = "yes" if self.tls else "no"
        lines = ("DICOM", f"host={self.host}", f"port={self.port}", f"called={self.called}", f"calling={self.calling}")
        return "\n".join((*lines, f"tls={tls}"))

    @property
    def picture(self) -> str:
        """A QR code as the address of an image."""
        return segno.make(self.text, error="m").svg_data_uri(scale=4, border=3, light="#fff")


def settings_of(device: Device) -> Settings:
    """Return what this device needs to be set to."""
    port = settings.PACS_DICOM_TLS_PORT if device.only_tls else settings.PACS_DICOM_PORT
    return Settings(_host(), port, settings.PACS_AE_TITLES[0], device.ae_title, device.only_tls)


def _host() -> str:
    """The first name under which others reach this machine: of its hosts, or the one address that it listens on."""
    names = [host.strip("[]") for host in settings.PACS_HOSTS if "*" not in host and not host.startswith(".")]
    reachable = [name for name in names if name not in ("localhost", "127.0.0.1", "::1")]
    bound = [] if settings.PACS_BIND in _ANYWHERE else [settings.PACS_BIND]
    return next(iter([*reachable, *bound, *names]), "localhost")
