"""Certificates for both ends of a connection to a collector, as a hospital's own authority would issue them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vault import certificates

ARCHIVE = "archive.example.org"


def make(folder: Path, *, collector: str = "127.0.0.1") -> None:
    """Write `ca.pem`, and key and certificate of a collector of that name and of the archive."""
    folder.mkdir()
    key, certificate = certificates.new_authority("The hospital's authority")
    (folder / "ca.pem").write_bytes(certificate)
    _write(folder, "collector", *certificates.issue_server(key, certificate, [collector], 30))
    _write(folder, "archive", *_client(key, certificate))


def _write(folder: Path, name: str, key: bytes, certificate: bytes) -> None:
    (folder / f"{name}.pem").write_bytes(certificate)
    (folder / f"{name}.key").write_bytes(key)
    (folder / f"{name}.key").chmod(0o400)


def _client(authority_key: bytes, authority: bytes) -> tuple[bytes, bytes]:
    issuer, now = x509.load_pem_x509_certificate(authority), datetime.now(UTC)
    signer = load_pem_private_key(authority_key, password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ARCHIVE)]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(ARCHIVE)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    )
    certificate = builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), certificate
