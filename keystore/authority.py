"""The private authority of this installation: it vouches for the web server and for devices, and for nobody else."""

import socket
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from keystore import secretfiles
from vault import certificates


class Authority(NamedTuple):
    """Its private key (PKCS#8) and its certificate, both PEM."""

    key: bytes
    certificate: bytes


def folder() -> Path:
    """Return the folder of the private authority, beside the root key and outside the data directory."""
    return Path(settings.PACS_SECRETS_DIR) / "tls"


def certificate() -> Path:
    """Return where the certificate stands that browsers, tools and devices are told to trust."""
    return folder() / "authority.pem"


def settled() -> Authority:
    """Return the authority, made now if there is none."""
    place = folder()
    secretfiles.closed_folder(place)
    if not _made():
        with secretfiles.alone(place):
            if not _made():
                key, own = certificates.new_authority(f"Custos on {socket.gethostname()}")
                secretfiles.write(place / "authority.key", key)
                secretfiles.write(certificate(), own)
    return Authority((place / "authority.key").read_bytes(), certificate().read_bytes())


def _made() -> bool:
    return (folder() / "authority.key").is_file() and certificate().is_file()
