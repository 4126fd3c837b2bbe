"""Reading a QIDO-RS query string (PS3.18 §8.3.4) into criteria, a page, and warnings about what is not done.

Nothing is passed over in silence: a parameter that is not supported is named in a Warning, one whose value cannot be
read is refused. Values are never repeated in answers.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from archive.dicomweb.attributes import RETURNED, matched, tag_of
from archive.dicomweb.problems import BadRequest
from archive.query.criteria import LIMIT, Criteria, Page, Span

MOST_PARAMETERS: Final = 100
MOST_VALUE: Final = 2048
MOST_UIDS: Final = 500
MOST_NAMED: Final = 10
MOST_OFFSET: Final = 2**31 - 1
FUZZY: Final = "The fuzzymatching parameter is not supported. Only literal matching has been performed."

_DATE_WORDS = gettext_noop("A date cannot be read; write 20260131, 20260101-20260131, 20260101- or -20260131.")
_TIME_WORDS = gettext_noop("A time cannot be read; write 101500, 100000-120000, 100000- or -120000.")

_UID = re.compile(r"[0-9.]{1,64}")
_DATE = re.compile(r"\d{8}")
_TIME = re.compile(r"\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?")
_CODE = re.compile(r"[A-Z0-9 _]{1,16}")
_NAME = re.compile(r"[A-Za-z0-9.]{1,64}")


@dataclass
class Asked:
    """What one search asks: the criteria as they were read, the page, and what the answer must warn of."""

    fields: dict[str, Any] = field(default_factory=dict)
    limit: int = LIMIT
    offset: int = 0
    included: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def criteria(self, **fixed: Any) -> Criteria:
        """The criteria, narrowed to the UIDs that stand in the path."""
        return Criteria(**{**self.fields, **fixed})

    @property
    def page(self) -> Page:
        return Page(self.limit, self.offset)


def read(query_string: str, level: str) -> Asked:
    """Read the parameters of a search of `studies`, `series` or `instances`; raises BadRequest."""
    try:
        pairs = parse_qsl(
            query_string, keep_blank_values=True, max_num_fields=MOST_PARAMETERS, errors="strict", separator="&"
        )
    except ValueError:
        raise BadRequest(_("The query string cannot be read, or has too many parameters.")) from None
    asked = Asked()
    seen: set[str] = set()
    for name, value in pairs:
        if len(value) > MOST_VALUE and name.lower() != "includefield":
            raise BadRequest(_("A parameter's value is too long."))
        special = _SPECIAL.get(name.lower())
        if special is not None:
            special(asked, value)
        else:
            _attribute(asked, name, value, level, seen)
    _warn_of_fields(asked, level)
    return asked


def _attribute(asked: Asked, name: str, value: str, level: str, seen: set[str]) -> None:
    tag = tag_of(name)
    how = matched(tag, level) if tag is not None else None
    if how is None:
        shown = name if _NAME.fullmatch(name) else "with an unreadable name"
        asked.warnings.append(f"The parameter {shown} is not supported and was ignored.")
        return
    if how.field in seen:
        raise BadRequest(_("An attribute is asked twice."))
    seen.add(how.field)
    if value not in ("", "*"):
        asked.fields[how.field] = _FORMS[how.form](value)


def _text(value: str) -> str:
    if "\0" in value or "\\" in value:
        raise BadRequest(_("A text to match holds a character that DICOM does not allow in it."))
    return value.strip(" ")


def _span(shape: re.Pattern[str], words: str) -> Callable[[str], Span]:
    def read_span(value: str) -> Span:
        first, dash, last = value.replace(" ", "").partition("-")
        if not dash:
            last = first
        if not (first or last) or any(end and not shape.fullmatch(end) for end in (first, last)):
            raise BadRequest(_(words))
        return Span(first, last)

    return read_span


def _uids(value: str) -> tuple[str, ...]:
    uids = tuple(dict.fromkeys(uid for part in re.split(r"[,\\]", value) if (uid := part.strip())))
    if len(uids) > MOST_UIDS or not all(_UID.fullmatch(uid) for uid in uids):
        raise BadRequest(_("A list of UIDs cannot be read or is too long."))
    return uids


def _codes(value: str) -> tuple[str, ...]:
    codes = tuple(dict.fromkeys(code for part in re.split(r"[,\\]", value) if (code := part.strip().upper())))
    if len(codes) > 50 or not all(_CODE.fullmatch(code) for code in codes):
        raise BadRequest(_("A list of modalities cannot be read or is too long."))
    return codes


def _number(value: str) -> int:
    text = value.strip()
    if not re.fullmatch(r"[+-]?\d{1,9}", text, re.ASCII):
        raise BadRequest(_("A number cannot be read."))
    return int(text)


_FORMS: Final[dict[str, Callable[[str], Any]]] = {
    "text": _text,
    "dates": _span(_DATE, _DATE_WORDS),
    "times": _span(_TIME, _TIME_WORDS),
    "uids": _uids,
    "codes": _codes,
    "number": _number,
}


def _count(value: str) -> int:
    if not re.fullmatch(r"\d{1,18}", value, re.ASCII):
        raise BadRequest(_("limit and offset are whole numbers from 0 on."))
    return int(value)


def _limit(asked: Asked, value: str) -> None:
    asked.limit = _count(value)
    if asked.limit > LIMIT:
        asked.limit = LIMIT
        asked.warnings.append(f"The limit was reduced to {LIMIT}.")


def _offset(asked: Asked, value: str) -> None:
    asked.offset = min(_count(value), MOST_OFFSET)


def _include(asked: Asked, value: str) -> None:
    asked.included += [name.strip() for name in value.split(",") if name.strip() and name.strip() != "all"]


def _warn_of_fields(asked: Asked, level: str) -> None:
    """Every attribute that the index keeps for a level is always returned; say which wished ones are not among them."""
    missing = [name for name in dict.fromkeys(asked.included) if tag_of(name) not in RETURNED[level]]
    shown = [name for name in missing if _NAME.fullmatch(name)][:MOST_NAMED]
    if missing:
        names = ", ".join(shown) or "with an unreadable name"
        asked.warnings.append(f"The includefield {names} is not kept in the index; it stands in the metadata.")


def _switch(words: str) -> Callable[[Asked, str], None]:
    def read_switch(asked: Asked, value: str) -> None:
        if value.lower() not in ("true", "false", ""):
            raise BadRequest(_("A switch is either true or false."))
        if value.lower() == "true":
            asked.warnings.append(words)

    return read_switch


_SPECIAL: Final[dict[str, Callable[[Asked, str], None]]] = {
    "limit": _limit,
    "offset": _offset,
    "includefield": _include,
    "fuzzymatching": _switch(FUZZY),
    "emptyvaluematching": _switch("The emptyvaluematching parameter is not supported and was ignored."),
    "multiplevaluematching": _switch("The multiplevaluematching parameter is not supported and was ignored."),
    "accept": lambda asked, value: None,
}
