"""Reading what a client accepts (PS3.18 §8.7, RFC 9110 §12.5.1): pure, bounded, forgiving about quotes.

`type="application/dicom"` and `type=application/dicom` mean the same, unknown parameters are ignored, a range that
cannot be read is skipped. The `accept` query parameter, where present, stands in the header's place (PS3.18 §8.3.3.1).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

# What clients called these types before they were registered.
_OLD_NAMES = {"image/x-jls": "image/jls", "image/x-dicom-rle": "image/dicom-rle"}

MOST = 8192
"""Characters of an Accept value that are read; what follows is ignored."""

_SHORT = 512
"""Characters of a value that is kept once it was read."""

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_TYPE = re.compile(rf"({_WORD}|\*)/({_WORD}|\*)")
_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


@dataclass(frozen=True, slots=True)
class Range:
    """One media range: `type` (`multipart/related`) in lower case, its parameters, and how much it is preferred."""

    type: str
    parameters: dict[str, str] = field(default_factory=dict)
    quality: float = 1.0

    @property
    def inner(self) -> str:
        """The media type of the parts where this is a multipart range, else the type itself; empty means any."""
        inner = self.parameters.get("type", "").lower() if self.multipart else self.type
        return "" if inner == "*/*" else _OLD_NAMES.get(inner, inner)

    @property
    def multipart(self) -> bool:
        return self.type in ("multipart/related", "multipart/*")

    @property
    def transfer_syntax(self) -> str:
        """The transfer syntax asked for: a UID, `*` for as stored, or empty for the default."""
        return self.parameters.get("transfer-syntax", "")

    def covers(self, media_type: str) -> bool:
        """Whether this range asks for a single-part answer of that media type."""
        main, _, _ = media_type.partition("/")
        return self.type in (media_type, f"{main}/*", "*/*")


ANYTHING = (Range("*/*"),)


def read(value: str) -> tuple[Range, ...]:
    """The ranges of an Accept value, preferred first, those with q=0 left out; equal preference keeps its order.

    An absent or empty value accepts anything: clients leave it out more often than the standard likes.
    """
    return _known(value) if len(value) <= _SHORT else _ranges(value)


def _ranges(value: str) -> tuple[Range, ...]:
    if not value.strip():
        return ANYTHING
    ranges = [found for item in split(value[:MOST], ",") if (found := _range(item)) is not None]
    return tuple(sorted((r for r in ranges if r.quality > 0), key=lambda r: -r.quality))


_known = lru_cache(maxsize=128)(_ranges)
"""A client asks for hundreds of frames with the same words."""


def _range(item: str) -> Range | None:
    first, *rest = split(item, ";")
    matched = _TYPE.fullmatch(first.strip())
    if matched is None or (matched[1] == "*" and matched[2] != "*"):
        return None
    parameters = dict(_parameters(rest))
    quality = parameters.pop("q", "1")
    if not _QUALITY.fullmatch(quality):
        return None
    return Range(f"{matched[1]}/{matched[2]}".lower(), parameters, float(quality))


def _parameters(items: list[str]) -> Iterator[tuple[str, str]]:
    """Name and value of each parameter that can be read; the first of a name counts."""
    seen = set()
    for item in items:
        name, equals, value = item.partition("=")
        name = name.strip().lower()
        if equals and name not in seen:
            seen.add(name)
            yield name, unquote(value.strip())


def media_type(value: str) -> tuple[str, dict[str, str]]:
    """The media type of a Content-Type value in lower case, and its parameters; an unreadable one is ("", {})."""
    first, *rest = split(value[:MOST], ";")
    name = first.strip()
    return (name.lower(), dict(_parameters(rest))) if _TYPE.fullmatch(name) else ("", {})


def split(value: str, separator: str) -> list[str]:
    """Parts of a header value at a separator that stands outside quoted strings."""
    parts, begin, quoted, at = [], 0, False, 0
    while at < len(value):
        letter = value[at]
        if quoted and letter == "\\":
            at += 1
        elif letter == '"':
            quoted = not quoted
        elif letter == separator and not quoted:
            parts.append(value[begin:at])
            begin = at + 1
        at += 1
    parts.append(value[begin:])
    return parts


def unquote(value: str) -> str:
    """The value of a token or quoted string; a quote that never closes is taken as it stands."""
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value
