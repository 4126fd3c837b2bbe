"""A private certificate authority for one installation: X.509, P-256, ECDSA with SHA-256.

What it issues passes ``openssl verify -x509_strict``. A certificate's days count from five minutes before now, so that
a client whose clock is a little behind accepts it at once.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650
MOST_SERVER_DAYS = 397
_CLOCK_SKEW = timedelta(minutes=5)
_LONGEST_COMMON_NAME = 64


def new_authority(common_name: str) -> tuple[bytes, bytes]:
    """A new authority for ten years, which may issue end certificates only: (PKCS#8 key, certificate), both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(common_name)
    start = datetime.now(UTC) - _CLOCK_SKEW
    builder = _builder(name, name, key.public_key(), (start, start + timedelta(days=AUTHORITY_DAYS)))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own), critical=False)
    return _pem(key), builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def issue_server(ca_key: bytes, ca_cert: bytes, names: Sequence[str], days: int) -> tuple[bytes, bytes]:
    """A new key and server certificate for DNS names and IP addresses: (PKCS#8 key, certificate), both PEM.

    ``days`` is 1 to 397, and never longer than the authority lives. The first name also becomes the common name.
    ``ValueError`` for no names, too many days, a key that is not the authority's, or an authority that has ended.
    """
    if not names or not 1 <= days <= MOST_SERVER_DAYS:
        raise ValueError("a server certificate has a name and lasts 1 to 397 days")
    alternatives = [_general(name) for name in names]
    return _issue((ca_key, ca_cert), names[0], alternatives, ExtendedKeyUsageOID.SERVER_AUTH, days)


def issue_device(ca_key: bytes, ca_cert: bytes, ae_title: str, days: int) -> tuple[bytes, bytes]:
    """A new key and client certificate for a device: (PKCS#8 key, certificate), both PEM.

    The AE title is the common name and, as an alternative name, ``urn:dicom:ae:`` and the title percent-encoded.
    ``days`` and ``ValueError`` as for a server's.
    """
    if not ae_title or not 1 <= days <= MOST_SERVER_DAYS:
        raise ValueError("a device's certificate has an AE title and lasts 1 to 397 days")
    alternative = x509.UniformResourceIdentifier(f"urn:dicom:ae:{quote(ae_title, safe='')}")
    return _issue((ca_key, ca_cert), ae_title, [alternative], ExtendedKeyUsageOID.CLIENT_AUTH, days)


def sealed_bundle(name: str, key: bytes, certificate: bytes, authority: bytes, password: str) -> bytes:
    """Key, certificate and authority (all PEM) as one PKCS#12 file that the password opens."""
    private = load_pem_private_key(key, password=None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise ValueError("this is not a key that was issued here")
    own, theirs = x509.load_pem_x509_certificate(certificate), x509.load_pem_x509_certificate(authority)
    encryption = BestAvailableEncryption(password.encode())
    return pkcs12.serialize_key_and_certificates(name.encode(), private, own, [theirs], encryption)


def fingerprint(certificate: bytes) -> str:
    """The SHA-256 of a PEM certificate's DER form, in hexadecimal."""
    return x509.load_pem_x509_certificate(certificate).fingerprint(hashes.SHA256()).hex()


def ends(certificate: bytes) -> datetime:
    """The last moment at which a PEM certificate is valid, UTC."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def _issue(
    ca: tuple[bytes, bytes],
    common_name: str,
    alternatives: Sequence[x509.GeneralName],
    purpose: x509.ObjectIdentifier,
    days: int,
) -> tuple[bytes, bytes]:
    authority = x509.load_pem_x509_certificate(ca[1])
    signer = load_pem_private_key(ca[0], password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey) or signer.public_key() != authority.public_key():
        raise ValueError("this is not the authority's key")
    start = datetime.now(UTC) - _CLOCK_SKEW
    end = min(start + timedelta(days=days), authority.not_valid_after_utc)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(common_name), authority.subject, key.public_key(), (start, end))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    theirs = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(theirs)
    builder = builder.add_extension(issuer, critical=False)
    return _pem(key), builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM)


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, valid: tuple[datetime, datetime]
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name.encode("idna").decode("ascii"))


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:_LONGEST_COMMON_NAME])])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
