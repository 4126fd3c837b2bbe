"""What is sent to a door, by the words in which lines name it: a form, or a body with its type."""

import json
from typing import Any, Final

from tests.archive.dicomweb.conftest import RELATED, multipart
from tests.completeness.studies import Names
from tests.conftest import PASSWORD

JSON: Final = "application/json"

FORMS: Final[dict[str, dict[str, str]]] = {
    "": {},
    "a language": {"language": "fr"},
    "a dead link": {"token": "dead", "username": "first", "full_name": "First", "password": PASSWORD},
    "name and password": {"username": "{someone}", "password": PASSWORD},
    "a wrong password": {"username": "{someone}", "password": "wrong"},
    "a code": {"code": "{code}"},
    "a wrong code": {"code": "{wrong}"},
    "a new password": {"new": "another correct horse battery"},
    "another password": {"old": PASSWORD, "new": "another correct horse battery"},
    "preferences": {"language": "en", "theme": "dark"},
    "a token": {"name": "one", "scopes": "{scope}"},
    "filters": {"modality": "CT"},
    "a purpose": {"purpose": "care"},
    "a hold": {"study": "{study}", "reason": "A court asked."},
    "a hold of nothing": {"study": "{nothing}", "reason": "A court asked."},
    "the end": {"end": "{end}"},
    "the end of nothing": {"end": "10.999"},
    "a person": {"username": "{fresh}", "full_name": "Fresh", "roles": "clinician", "groups": "Radiology"},
    "a name": {"name": "{fresh}"},
    "a device": {"ae_title": "{fresh}", "address": "127.0.0.8/32", "may": "store", "groups": "Radiology"},
    "a no": {"active": "no"},
    "a yes": {"blocked": "yes"},
    "another name": {"act": "rename", "name": "{fresh}"},
    "a rule": {"attribute": "ward", "pattern": "{fresh}", "group": "Radiology"},
    "a grant": {"to": "radiologist", "until": "{today}", "reason": "A second opinion is wanted."},
    "a share": {"recipient": "Somebody", "number": "7", "unit": "days", "reason": "A second opinion is wanted."},
    "both halves": {"token": "{fragment}", "passphrase": "{passphrase}"},
    "a wrong half": {"token": "{fragment}", "passphrase": "wrong"},
    "a spelling": {"spelling": "{fresh}"},
    "a role": {"name": "{fresh}", "permissions": "study.view"},
    "an emergency": {"patient_id": "{number}", "reason": "emergency", "words": "The patient lies in resuscitation."},
    "an emergency of nobody": {"patient_id": "NOBODY", "reason": "emergency", "words": "No such patient."},
    "a verdict": {"verdict": "justified", "note": "The ward confirmed it."},
    "the number": {"wanted": "{number}"},
}


def body(sending: str, names: Names) -> dict[str, Any]:
    """What the test client's `post` takes."""
    if sending == "the image":
        return {"data": multipart(names["file"]), "content_type": RELATED}
    if sending == "what was displayed":
        shown = {"displayed": [[names["series"], names["sop"], 1]]}
        return {"data": json.dumps(shown), "content_type": JSON}
    return {"data": {name: filled(value, names) for name, value in FORMS[sending].items()}}


def filled(text: str, names: Names) -> str:
    """The text with the names in it; other curly brackets stand."""
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text
