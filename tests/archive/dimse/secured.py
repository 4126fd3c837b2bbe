"""Certificates, good and bad, and clients that show them."""

import datetime
import socket
import ssl
import time
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from accounts import enrolment
from audit import log
from audit.models import Alert, AuditEvent
from keystore import authority
from vault import certificates


class Shown(NamedTuple):
    """What a client shows, and whom it trusts: PEM files."""

    certificate: Path
    key: Path
    authority: Path


def laid(folder: Path, bundle: enrolment.Bundle) -> Shown:
    folder.mkdir()
    files = Shown(folder / "certificate.pem", folder / "key.pem", folder / "authority.pem")
    for path, content in zip(files, (bundle.certificate, bundle.key, bundle.authority), strict=True):
        path.write_bytes(content)
    return files


def alerted() -> list[str]:
    """Whom the open alerts about certificates are about."""
    deadline = time.monotonic() + 3
    while not (rows := list(Alert.objects.filter(kind="device-certificate").order_by("subject"))):
        assert time.monotonic() < deadline, "no alert was raised"
        time.sleep(0.02)
    return [row.subject for row in rows]


def client(shown: Shown | None, ours: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ours))
    if shown is not None:
        context.load_cert_chain(shown.certificate, shown.key)
    return context


def connect(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 20), server_hostname="localhost")


def refusals() -> list[str]:
    """The reasons of the refusals on record, in order; the record may be written after the peer was told."""
    deadline = time.monotonic() + 3
    while not (rows := list(AuditEvent.objects.filter(action="wire:refused").order_by("seq"))):
        assert time.monotonic() < deadline, "nothing was put on record"
        time.sleep(0.02)
    return [(log.open_details(row) or {})["refused"] for row in rows]


def foreign(folder: Path, title: str = "CT_ONE") -> Shown:
    key, own = certificates.new_authority("Somebody else")
    device_key, certificate = certificates.issue_device(key, own, title, 30)
    return laid(folder, enrolment.Bundle(device_key, certificate, own))


def ended(folder: Path) -> Shown:
    """A certificate of our own authority, rightly signed, whose last day has passed."""
    ours = authority.settled()
    key, good = certificates.issue_device(ours.key, ours.certificate, "CT_ONE", 1)
    like = x509.load_pem_x509_certificate(good)
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(like.issuer, like.subject, like.public_key(), 77, start, start.replace(month=2))
    for extension in like.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    signer = load_pem_private_key(ours.key, None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    old = builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM)
    return laid(folder, enrolment.Bundle(key, old, ours.certificate))
