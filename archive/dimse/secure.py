"""DICOM over TLS (PS3.15 B.12, BCP 195 without downgrade): TLS 1.3 and 1.2 with AEAD suites, both sides certified."""

import hashlib
import ssl
from pathlib import Path
from typing import Final

from accounts import failures
from archive.dimse.crowd import Connection
from archive.dimse.errors import Untrusted

HANDSHAKE_SECONDS: Final = 5.0
"""From the connection to the end of the handshake, however it drips."""

SUITES: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"

# What OpenSSL calls the refusals that an operator can do something about, and how we put them.
_REASONS: Final = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": ("no certificate was shown", failures.MISSING),
    "NO_SHARED_CIPHER": ("no common cipher suite", failures.SUITES),
    "UNSUPPORTED_PROTOCOL": ("a version of TLS that is too old", failures.OLD_TLS),
    "VERSION_TOO_LOW": ("a version of TLS that is too old", failures.OLD_TLS),
}
_EXPIRED: Final = 10


def context(certificate: Path, key: Path, authority: Path) -> ssl.SSLContext:
    """Return what the listener speaks with. `authority` is the one that devices' certificates must be of."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(SUITES)
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    # PDUs tell their own length, so that a connection cut short is told from one that ends; and an association that
    # we end ourselves, by closing its reading half, can still be told so by an A-ABORT.
    made.options |= ssl.OP_IGNORE_UNEXPECTED_EOF
    # Without tickets no session outlives the certificate that began it.
    made.num_tickets = 0
    made.load_cert_chain(certificate, key)
    made.load_verify_locations(authority)
    made.verify_mode = ssl.CERT_REQUIRED
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    return made


def handshake(connection: Connection, chosen: ssl.SSLContext) -> str:
    """Put TLS on a connection; return the SHA-256, in hexadecimal, of the certificate that the peer proved to hold.

    Raises Untrusted, and OSError for a peer that is silent or gone.
    """
    connection.socket.settimeout(HANDSHAKE_SECONDS)
    secured = connection.secure(chosen)
    try:
        secured.do_handshake()
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        # Gone, like one that connects and says nothing.
        raise
    except ssl.SSLError as error:
        raise Untrusted(*_why(error)) from error
    shown = secured.getpeercert(binary_form=True)
    if not shown:
        raise Untrusted("no certificate was shown", failures.MISSING)
    return hashlib.sha256(shown).hexdigest()


def _why(error: ssl.SSLError) -> tuple[str, str]:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return _REASONS.get(error.reason or "", ("the handshake failed", failures.HANDSHAKE))
    if error.verify_code == _EXPIRED:
        return "the certificate has ended", failures.ENDED
    return "the certificate is not of our authority", failures.FOREIGN
