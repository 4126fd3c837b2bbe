"""C-ECHO as a user (PS3.7 §9.1.5): does a device of ours answer where it is registered? Nowhere else is called.

What a device answers is bounded in length and in time, and none of it is shown: only which of our own words fits.
"""

import hashlib
import ssl
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address, ip_network
from pathlib import Path
from socket import create_connection, socket
from threading import BoundedSemaphore
from time import monotonic
from typing import Final

from django.conf import settings

from archive.dimse import commands, negotiation, pdus
from archive.dimse.admission import plain_allowed
from archive.dimse.contexts import VERIFICATION
from archive.dimse.errors import Broken, Gone, TooSlow
from archive.dimse.wire import Pdu, Wire

SECONDS: Final = 5.0
"""For the whole echo, from the connection to the answer."""

_AT_ONCE = BoundedSemaphore(2)
"""How many of a process's threads wait for devices; the others serve."""

_CONTEXT: Final = 1


class Outcome(StrEnum):
    """What came of an echo."""

    ANSWERED = "answered"
    NO_PORT = "no-port"
    A_RANGE = "a-range"
    NO_HOST = "no-host"
    NEEDS_TLS = "needs-tls"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    SILENT = "silent"
    REJECTED = "rejected"
    NO_DICOM = "no-dicom"
    NOT_VERIFIED = "not-verified"
    TLS_FAILED = "tls-failed"
    NO_CERTIFICATE = "no-certificate"
    OTHER_CERTIFICATE = "other-certificate"


@dataclass(frozen=True, slots=True)
class Secured:
    """How a device is called over TLS: what it must show, a SHA-256 in hexadecimal, and what it is shown (PEM)."""

    shows: str
    own: Path


def echo(ae_title: str, address: str, port: int | None, secured: Secured | None) -> Outcome:
    """Call a device at its own registered address and port, within five seconds in all; never raises.

    `address` is as registered: a range is no place to call, and a name is never looked up.
    """
    if port is None:
        return Outcome.NO_PORT
    network = ip_network(address)
    if network.num_addresses != 1:
        return Outcome.A_RANGE
    host = str(network.network_address)
    if ip_address(host).is_multicast or ip_address(host).is_unspecified or host == "255.255.255.255":
        return Outcome.NO_HOST
    if secured is None and not plain_allowed(host):
        return Outcome.NEEDS_TLS
    if secured is not None and not secured.shows:
        return Outcome.NO_CERTIFICATE
    if not _AT_ONCE.acquire(blocking=False):
        return Outcome.BUSY
    try:
        return _called(ae_title, host, port, secured)
    finally:
        _AT_ONCE.release()


def _called(ae_title: str, host: str, port: int, secured: Secured | None) -> Outcome:
    deadline = monotonic() + SECONDS
    try:
        with create_connection((host, port), timeout=SECONDS) as plain:
            plain.settimeout(max(deadline - monotonic(), 0.01))
            if secured is None:
                return _conversation(plain, ae_title, deadline)
            with _client(secured).wrap_socket(plain) as sock:
                shown = sock.getpeercert(binary_form=True) or b""
                if hashlib.sha256(shown).hexdigest() != secured.shows:
                    return Outcome.OTHER_CERTIFICATE
                return _conversation(sock, ae_title, deadline)
    except (TimeoutError, TooSlow):
        return Outcome.SILENT
    except ssl.SSLError:
        return Outcome.TLS_FAILED
    except (Gone, Broken) as error:
        # With TLS 1.3 a peer says only after the handshake that it wants another certificate.
        return Outcome.TLS_FAILED if isinstance(error.__cause__, ssl.SSLError) else Outcome.NO_DICOM
    except OSError:
        return Outcome.UNREACHABLE


def _client(secured: Secured) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.check_hostname = False
    # The device proves that it holds the one certificate enrolled for it, which is more than any authority vouches for.
    made.verify_mode = ssl.CERT_NONE
    made.load_cert_chain(secured.own)
    return made


def _conversation(sock: socket, ae_title: str, deadline: float) -> Outcome:
    wire = Wire(sock)
    wire.write(negotiation.verification(settings.PACS_AE_TITLES[0], ae_title, _CONTEXT, VERIFICATION))
    answer = _read(wire, deadline)
    if answer.kind == pdus.ASSOCIATE_RJ:
        return Outcome.REJECTED
    if answer.kind != pdus.ASSOCIATE_AC:
        return Outcome.NO_DICOM
    wire.write(pdus.command(_CONTEXT, commands.echo(VERIFICATION), pdus.LEAST_PDU))
    answered = _read(wire, deadline)
    if answered.kind == pdus.ABORT:
        return Outcome.NOT_VERIFIED
    if answered.kind != pdus.DATA:
        return Outcome.NO_DICOM
    whole = b"".join(bytes(one.data) for one in pdus.fragments(answered.body) if one.is_command)
    good = commands.status(whole) == 0
    wire.write(pdus.RELEASE)
    return Outcome.ANSWERED if good else Outcome.NOT_VERIFIED


def _read(wire: Wire, deadline: float) -> Pdu:
    left = max(deadline - monotonic(), 0.01)
    return wire.read(left, whole=left)
