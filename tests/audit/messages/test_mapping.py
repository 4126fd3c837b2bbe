"""Every kind of event has its message of PS3.15 A.5.3, which the schema takes, which fits, and tells no secret."""

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.actions import Action, Outcome
from audit.messages import codes, frames, kinds, mapping, xml
from audit.messages.frames import Head
from audit.messages.kinds import Parts
from audit.messages.mapping import Source
from tests.audit.messages.reading import a_row, objects, told, valid

SOURCE = Source("custos/8f14e45f-ceea-467a-9575-d1f3c1f1a001", "archive.example")
HASH = bytes(range(32))
# What the standard's tables ask of each message: its EventActionCode, its EventTypeCodes, and the roles in it.
TABLES = {
    "110100": ("E", {"110120", "110121"}, {"110150"}),
    "110101": ("R", set(), set()),
    "110102": ("E", set(), {"110152", "110153"}),
    "110103": ("CRUD", set(), set()),
    "110104": ("CRU", set(), {"110152", "110153"}),
    "110105": ("D", set(), set()),
    "110106": ("R", set(), {"110153", "110154"}),
    "110112": ("E", set(), {"110152", "110153"}),
    "110113": (
        "E",
        {"110126", "110127", "110128", "110129", "110132", "110134", "110135", "110136", "110137", "110138", "110141"},
        set(),
    ),
    "110114": ("E", {"110122", "110123"}, set()),
}


def test_every_action_has_a_message_and_a_new_one_needs_one() -> None:
    assert set(kinds.KINDS) == set(Action)


@pytest.mark.parametrize("action", list(Action))
def test_each_message_is_what_the_table_of_the_standard_asks(action: Action) -> None:
    root = valid(xml.document(mapping.message(a_row(action=action.value), (), HASH, SOURCE)))
    event = root.find("EventIdentification")
    letters, types, roles = TABLES[event.find("EventID").get("csd-code")]
    assert event.find("EventID").get("codeSystemName") == "DCM"
    assert event.get("EventActionCode") in letters
    said = [one.get("csd-code") for one in event.findall("EventTypeCode")]
    assert said[-1] == action.value
    assert set(said[:-1]) <= types
    assert len(said) == (2 if types else 1)
    assert roles <= {one.get("csd-code") for one in root.iter("RoleIDCode")}
    assert [one.get("UserIsRequestor") for one in root.findall("ActiveParticipant")].count("true") == 1


@pytest.mark.parametrize(("action", "outcome"), list(product(Action, Outcome)))
def test_every_action_with_every_outcome_validates_full_and_empty(action: Action, outcome: Outcome) -> None:
    texts = ("actor_name", "actor_role", "actor_address", "request_id", "purpose", "study_uid", "patient", "actor_key")
    empty = {**dict.fromkeys(texts, ""), "sitting": None, "details_key": None, "details": b"", "count": 0}
    for more in ({}, empty):
        row = a_row(action=action.value, outcome=outcome.value, **more)
        root = valid(xml.document(mapping.message(row, ("1.2", "1.3"), HASH, SOURCE)))
        indicator = root.find("EventIdentification").get("EventOutcomeIndicator")
        assert indicator == {"ok": "0", "not-found": "4", "denied": "8", "failed": "12"}[outcome.value]


def test_what_a_row_says_stands_in_its_message_and_nothing_that_is_sealed_or_names_a_patient() -> None:
    row = a_row(action="study:search", count=2)
    document = xml.document(mapping.message(row, ("1.2.9", "1.2.8"), HASH, SOURCE))
    root = valid(document)
    assert root.find("EventIdentification").get("EventDateTime") == "2023-11-14T22:13:20.123456Z"
    assert objects(root, codes.ID_STUDY.value) == ["1.2.3", "1.2.9", "1.2.8"]
    assert objects(root, codes.ID_PATIENT.value) == ["aa" * 16]
    person = next(one for one in root.findall("ActiveParticipant") if one.get("UserIsRequestor") == "true")
    assert (person.get("UserID"), person.get("UserName")) == ("person:4b1c", "weber")
    assert (person.get("NetworkAccessPointID"), person.get("NetworkAccessPointTypeCode")) == ("192.0.2.7", "2")
    said = told(root)
    assert {"log": "1", "seq": "7", "row": HASH.hex(), "count": "2", "listed": "2"}.items() <= said.items()
    assert b"sealed, and never told" not in document
    assert not any("sealed, and" in text for text in said.values())
    assert str(row.details_key) not in str(said)
    assert [one for one in root.iter("ParticipantObjectQuery")] == []


def test_a_person_who_acts_on_a_study_is_told_beside_the_archive() -> None:
    for parts in Parts:
        action = next(one for one, kind in kinds.KINDS.items() if kind.parts is parts)
        root = valid(xml.document(mapping.message(a_row(action=action.value), (), HASH, SOURCE)))
        users = {one.get("UserID") for one in root.findall("ActiveParticipant")}
        assert {"person:4b1c", SOURCE.name} <= users


def test_objects_that_do_not_fit_are_left_out_whole_and_counted() -> None:
    listed = tuple(f"1.2.826.0.1.3680043.10.{number:040d}" for number in range(5000))
    document = xml.document(mapping.message(a_row(action="study:search"), listed, HASH, SOURCE))
    assert 30 * 1024 < len(document) <= xml.MOST_BYTES
    root = valid(document)
    shown = objects(root, codes.ID_STUDY.value)
    assert tuple(shown[1:]) == listed[: len(shown) - 1]
    assert int(told(root)["left-out"]) == len(listed) - len(shown) + 1
    assert told(root)["listed"] == "5000"


def test_a_row_of_a_newer_program_and_one_that_cannot_be_read_are_told_all_the_same() -> None:
    root = valid(xml.document(mapping.message(a_row(action="study:unheard-of"), (), HASH, SOURCE)))
    assert root.find("EventIdentification/EventID").get("csd-code") == "110113"
    root = valid(xml.document(mapping.unreadable(2, 9, 1, SOURCE)))
    assert {"log": "2", "seq": "9"}.items() <= told(root).items()


SIGNS = ("]]>", "<![CDATA[", "\x00\x01\x1f\x7f\x85", "\ud800", "\ufffe\uffff", "&amp;\r\n\t", '"', "\u2028", " ")
# RFC 5424 §6, as far as we speak it.
FRAME = re.compile(
    rb'<8[45]>1 \S+Z [\x21-\x7e]{1,255} custos \d+ DICOM\+RFC3881 \[custos@32473 log="\d+" seq="\d+"\] '
    rb"\xef\xbb\xbf<\?xml [^\x00-\x1f]+</AuditMessage>"
)
HOSTILE = st.one_of(
    st.text(st.characters(), max_size=300),
    st.sampled_from(SIGNS),
    st.sampled_from("\x00<&\ud800\U0001f40e]").map(lambda letter: letter * (1 << 20)),
)
ACTOR = ("actor_kind", "actor_key", "actor_name", "actor_role", "actor_address", "actor_ae_title")
OTHERS = ("purpose", "patient", "study_uid", "request_id", "action", "outcome")


@settings(max_examples=150, deadline=None)
@given(
    texts=st.dictionaries(st.sampled_from([*ACTOR, *OTHERS]), HOSTILE),
    listed=st.lists(HOSTILE.filter(bool), max_size=400),
    host=HOSTILE,
)
def test_nothing_that_a_stranger_can_write_breaks_the_document(
    texts: dict[str, str], listed: list[str], host: str
) -> None:
    message = mapping.message(a_row(**texts), tuple(listed), HASH, Source(SOURCE.name, host or "-"))
    document = xml.document(message)
    assert len(document) <= xml.MOST_BYTES
    assert not re.search(rb"[\x00-\x1f\x7f]", document)
    assert told(valid(document))["seq"] == "7"
    frame = frames.audit(Head(message.time, host, 2**22, 2**31), document, outcome=message.outcome, seq=2**53)
    length, _, whole = frame.partition(b" ")
    assert int(length) == len(whole) <= 32 * 1024
    assert FRAME.fullmatch(whole)
