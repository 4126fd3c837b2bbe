"""What browser and server say to one another about passkeys (WebAuthn): the only module that knows the library.

Every check that the standard asks of a relying party is made here: the kind of ceremony, the challenge, the origin, the
host that the key is bound to, that a person was there and was verified, and the signature. Answers come from strangers,
so whatever is wrong with one is the same `NotProved`.
"""

import json
import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from struct import error as struct_error
from typing import Any, Final, ParamSpec, TypeVar
from uuid import UUID

from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    RegistrationResponse,
    UserVerificationRequirement,
)

from accounts.factors.sites import Site

ALGORITHMS: Final = (-7, -8, -257)
"""ES256, EdDSA and RS256, as COSE numbers them: between them every authenticator there is."""
LONGEST_ANSWER: Final = 16 * 1024
LONGEST_ID: Final = 1023
TIMEOUT_MS: Final = 120_000
TRANSPORTS: Final = frozenset({"ble", "hybrid", "internal", "nfc", "smart-card", "usb"})
_NAME: Final = "Custos"

# The library tells the ids of passkeys to the program's log; the record has what there is to know.
logging.getLogger("fido2").setLevel(logging.WARNING)

P = ParamSpec("P")
R = TypeVar("R")


class NotProved(Exception):
    """The answer proves nothing, for whatever reason."""


@dataclass(frozen=True, slots=True)
class Known:
    """A passkey as it was kept: its id as text, what the authenticator said of it, and by what it can be reached."""

    id: str
    credential: bytes = b""
    transports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registered:
    """A new passkey."""

    id: str
    credential: bytes
    aaguid: UUID
    sign_count: int
    transports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asserted:
    """A passkey that was used, and how often by its own count."""

    id: str
    sign_count: int


def _hostile(read: Callable[P, R]) -> Callable[P, R]:
    """Turn whatever reading an answer raises into one refusal: the library checks shapes by tripping over them."""

    @wraps(read)
    def reading(*given: P.args, **named: P.kwargs) -> R:
        try:
            return read(*given, **named)
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError) as error:
            raise NotProved(type(error).__name__) from error
        except (RecursionError, MemoryError, OverflowError, struct_error) as error:
            raise NotProved(type(error).__name__) from error

    return reading


def creation(site: Site, challenge: bytes, user: tuple[UUID, str, str], known: list[Known]) -> dict[str, Any]:
    """Return what a browser needs to make a passkey for a user (id, user name, name) who has those `known` already."""
    identifier, name, shown = user
    return {
        "rp": {"id": site.host, "name": _NAME},
        "user": {"id": text_of(identifier.bytes), "name": name, "displayName": shown or name},
        "challenge": text_of(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in ALGORITHMS],
        "timeout": TIMEOUT_MS,
        "excludeCredentials": _descriptors(known),
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "required"},
        "attestation": "none",
    }


def request(site: Site, challenge: bytes, known: list[Known]) -> dict[str, Any]:
    """Return what a browser needs to use one of these passkeys."""
    return {
        "rpId": site.host,
        "challenge": text_of(challenge),
        "timeout": TIMEOUT_MS,
        "allowCredentials": _descriptors(known),
        "userVerification": "required",
    }


@_hostile
def registered(site: Site, challenge: bytes, answer: str) -> Registered:
    """Return the passkey that an answer to `creation` brings. Raises NotProved."""
    given = _read(answer)
    response = RegistrationResponse.from_dict(given)
    _require_same_origin(response)
    data = _server(site).register_complete(_state(challenge), response)
    found = data.credential_data
    if found is None or found.public_key.get(3) not in ALGORITHMS or not 0 < len(found.credential_id) <= LONGEST_ID:
        raise NotProved("key")
    if found.credential_id != response.raw_id:
        raise NotProved("id")
    reached = given["response"].get("transports") or []
    transports = tuple(sorted(TRANSPORTS & {str(one) for one in reached[:10]}))
    aaguid = UUID(bytes=bytes(found.aaguid))
    return Registered(text_of(found.credential_id), bytes(found), aaguid, data.counter, transports)


@_hostile
def asserted(site: Site, challenge: bytes, owner: UUID, known: list[Known], answer: str) -> Asserted:
    """Return which of its owner's passkeys an answer to `request` used. Raises NotProved."""
    response = AuthenticationResponse.from_dict(_read(answer))
    _require_same_origin(response)
    handle = response.response.user_handle
    if handle and bytes(handle) != owner.bytes:
        raise NotProved("owner")
    credentials = [AttestedCredentialData(one.credential) for one in known]
    used = _server(site).authenticate_complete(_state(challenge), credentials, response)
    return Asserted(text_of(used.credential_id), response.response.authenticator_data.counter)


def text_of(value: bytes) -> str:
    """Return bytes as browsers write them: base64url without padding."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _read(answer: str) -> Mapping[str, Any]:
    if len(answer) > LONGEST_ANSWER:
        raise NotProved("length")
    given = json.loads(answer)
    if not isinstance(given, dict) or not isinstance(given.get("response"), dict):
        raise NotProved("shape")
    return given


def _require_same_origin(response: RegistrationResponse | AuthenticationResponse) -> None:
    """A page of ours is never framed by another, so what a frame asked for is not ours."""
    if response.response.client_data.cross_origin is not False:
        raise NotProved("frame")


def _server(site: Site) -> Fido2Server:
    relying = PublicKeyCredentialRpEntity(id=site.host, name=_NAME)
    return Fido2Server(relying, verify_origin=lambda origin: origin in site.origins)


def _state(challenge: bytes) -> dict[str, Any]:
    return {"challenge": text_of(challenge), "user_verification": UserVerificationRequirement.REQUIRED}


def _descriptors(known: list[Known]) -> list[dict[str, Any]]:
    return [
        {"type": "public-key", "id": one.id, **({"transports": list(one.transports)} if one.transports else {})}
        for one in known
    ]
