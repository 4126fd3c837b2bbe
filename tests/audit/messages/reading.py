"""Audit messages as somebody else reads them: against the standard's schema in our own words, and back into values."""

from base64 import b64decode
from pathlib import Path
from typing import Any
from uuid import UUID

from lxml import etree

from audit.rows import Row

SCHEMA = etree.RelaxNG(etree.parse(Path(__file__).with_name("audit-message.rng")))


def valid(document: bytes) -> Any:
    """The root of a document that is well formed and follows the schema; fails otherwise."""
    root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False))
    assert SCHEMA.validate(root), SCHEMA.error_log
    return root


def objects(root: Any, type_code: str) -> list[str]:
    """The ids of the objects whose type is the DCM or RFC 3881 code given, in order."""
    found = root.findall("ParticipantObjectIdentification")
    return [one.get("ParticipantObjectID") for one in found if one[0].get("csd-code") == type_code]


def told(root: Any) -> dict[str, str]:
    """What the last object says of the row."""
    details = root.findall("ParticipantObjectIdentification")[-1].findall("ParticipantObjectDetail")
    return {one.get("type"): b64decode(one.get("value")).decode() for one in details}


def a_row(**given: Any) -> Row:
    """A row with everything in it; anything may be given otherwise."""
    usual = {
        **{"log": 1, "seq": 7, "id": UUID(int=5), "version": 1, "time_us": 1_700_000_000_123_456},
        **{"action": "study:view", "outcome": "ok", "actor_kind": "person", "actor_key": "person:4b1c"},
        **{"actor_name": "weber", "actor_role": "clinician", "actor_address": "192.0.2.7", "actor_ae_title": ""},
        **{"actor_session": "0123456789abcdef", "request_id": "r1", "purpose": "care", "study_uid": "1.2.3"},
        **{"patient": "aa" * 16, "sitting": UUID(int=6), "count": 3, "details_key": UUID(int=9)},
        "details": b"sealed, and never told",
    }
    return Row(**{**usual, **given})
