"""The web server's certificate: from a private authority of this installation, from files, or none behind a proxy."""

import json
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings

from keystore import authority, secretfiles
from vault import certificates

DAYS: Final = 397
RENEW_BEFORE: Final = timedelta(days=60)


@dataclass(frozen=True)
class Files:
    """Where the certificate chain and its private key (PKCS#8) stand, both PEM."""

    certificate: Path
    key: Path


def folder() -> Path:
    """Return the folder of the private authority, beside the root key and outside the data directory."""
    return authority.folder()


def authority_certificate() -> Path:
    """Return the certificate that browsers and tools are told to trust."""
    return authority.certificate()


def files() -> Files | None:
    """Return what the web server encrypts with, or None where a proxy does or nobody."""
    if settings.PACS_TLS == "files":
        return Files(Path(settings.PACS_TLS_CERT), Path(settings.PACS_TLS_KEY))
    if settings.PACS_TLS == "self":
        return Files(folder() / "server.pem", folder() / "server.key")
    return None


def wanted_names() -> list[str]:
    """Return every name and address the certificate should carry, sorted, the chosen hosts among them."""
    chosen = {host.strip("[]") for host in settings.PACS_HOSTS if "*" not in host and not host.startswith(".")}
    return sorted({*chosen, "localhost", "127.0.0.1", "::1", socket.gethostname()})


def due(now: datetime) -> bool:
    """Return whether the server certificate is missing, carries other names than wanted, or ends soon."""
    try:
        note = json.loads((folder() / "server.json").read_text(encoding="utf-8"))
        ends = datetime.fromisoformat(note["ends"])
    except (OSError, ValueError, KeyError):
        return True
    complete = all((folder() / name).is_file() for name in ("authority.pem", "server.pem", "server.key"))
    return not complete or note.get("names") != wanted_names() or now > ends - RENEW_BEFORE


def settle() -> bool:
    """With PACS_TLS=self, make authority and server certificate where they are due; True when one was made."""
    if settings.PACS_TLS != "self" or not due(datetime.now(UTC)):
        return False
    _issue()
    return True


def dicom_files() -> Files:
    """Return what DICOM TLS encrypts with: the web server's, or one of our own authority where that has none."""
    shared = files()
    if shared is not None:
        return shared
    if due(datetime.now(UTC)):
        _issue()
    return Files(folder() / "server.pem", folder() / "server.key")


def _issue() -> None:
    """Make the server's certificate, unless another process has done so meanwhile."""
    place, ours = folder(), authority.settled()
    with secretfiles.alone(place):
        if due(datetime.now(UTC)):
            _write(place, ours)


def _write(place: Path, ours: authority.Authority) -> None:
    names, ends = wanted_names(), datetime.now(UTC) + timedelta(days=DAYS)
    key, certificate = certificates.issue_server(ours.key, ours.certificate, ["localhost", *names], DAYS)
    secretfiles.write(place / "server.key", key)
    secretfiles.write(place / "server.pem", certificate + ours.certificate)
    secretfiles.write(place / "server.json", json.dumps({"ends": ends.isoformat(), "names": names}).encode())
