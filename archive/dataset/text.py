"""Text of the few indexed attributes under their Specific Character Set (PS3.5 §6.1). A bad set gives a best guess.

A wrong letter in the index costs one search; a refused image costs an examination. The bytes are kept as received.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from pydicom.charset import python_encoding

_ESCAPE = 0x1B
# Each of these returns a value to its first character set (PS3.5 §6.1.2.5.3).
_DELIMITERS = re.compile(rb"([\r\n\t\f\\^=])")
_CONTROLS = re.compile(r"[\x00-\x1a\x1c-\x1f\x7f]")
_KNOWN = {re.sub(r"[^A-Z0-9]", "", name.upper()): codec for name, codec in python_encoding.items() if name}
_DEFAULT = "iso8859"  # A superset of ASCII that decodes every byte; senders write Latin-1 without saying so.

# Escape sequences (PS3.3 §C.12.1.1.2) and the codec that reads what follows them.
_ESCAPES: dict[bytes, str] = {
    b"(B": "iso8859",
    b"-A": "iso8859",
    b")I": "shift_jis",
    b"(J": "shift_jis",
    b"$B": "iso2022_jp",
    b"-B": "iso8859_2",
    b"-C": "iso8859_3",
    b"-D": "iso8859_4",
    b"-F": "iso_ir_126",
    b"-G": "iso_ir_127",
    b"-H": "iso_ir_138",
    b"-L": "iso_ir_144",
    b"-M": "iso8859_9",
    b"-b": "iso8859_15",
    b"-T": "iso_ir_166",
    b"$(D": "iso2022_jp_2",
    b"$)C": "euc_kr",
    b"$)A": "gb2312",
}
# These codecs read the escape sequence itself.
_STATEFUL = frozenset({"iso2022_jp", "iso2022_jp_2"})


@lru_cache(maxsize=64)
def codecs(specific_character_set: bytes) -> tuple[str, ...]:
    """Python codecs for the values of (0008,0005); an unknown or misspelt one becomes the nearest known."""
    terms = specific_character_set.decode("ascii", "replace").strip("\0 ").split("\\")
    return tuple(map(_codec, terms))


def _codec(term: str) -> str:
    folded = re.sub(r"[^A-Z0-9]", "", term.upper())
    if folded in _KNOWN:
        return _KNOWN[folded]
    # "ISO 100", "IR 192", "ISOIR100 ", "LATIN1", "UTF8": what the field writes.
    for known, codec in _KNOWN.items():
        if folded and (
            known.endswith(f"IR{folded}") or known == f"ISO{folded}" or known == f"ISOIR{folded.removeprefix('ISO')}"
        ):
            return codec
    return "utf8" if folded in {"UTF8", "UNICODE", "ISOIR192"} else _DEFAULT


def decode(value: bytes, names: Sequence[str]) -> str:
    """The text of one value, its padding and control characters removed."""
    if value.isascii() and _ESCAPE not in value:
        text = value.decode("ascii")
        if text.isprintable():
            return text.strip()
    elif _ESCAPE in value:
        head, *runs = re.split(rb"(?=\x1b)", value)
        text = _lenient(head, names[0]) + "".join(_escaped(run, names[0]) for run in runs)
    else:
        text = _lenient(value, names[0] if len(names) == 1 else _first_that_fits(value, names))
    return _CONTROLS.sub("", text).strip()


def _first_that_fits(value: bytes, names: Sequence[str]) -> str:
    """With code extensions the first set holds where no escape stands."""
    for name in names:
        try:
            value.decode(name)
        except (UnicodeError, LookupError):
            continue
        return name
    return names[0]


def _escaped(fragment: bytes, first: str) -> str:
    """A run that begins with an escape sequence, which holds up to the next delimiter."""
    for sequence, codec in _ESCAPES.items():
        if not fragment[1:].startswith(sequence):
            continue
        if codec in _STATEFUL:
            return _lenient(fragment, codec)  # Two bytes a letter: what looks like a delimiter there is none.
        run, delimiter, rest = _split(fragment[1 + len(sequence) :])
        return _lenient(run, codec) + _lenient(delimiter + rest, first)
    return _lenient(fragment[1:], _DEFAULT)


def _split(run: bytes) -> tuple[bytes, bytes, bytes]:
    before, *after = _DELIMITERS.split(run, maxsplit=1)
    return (before, after[0], after[1]) if after else (before, b"", b"")


def _lenient(value: bytes, codec: str) -> str:
    try:
        return value.decode(codec)
    except LookupError:
        return value.decode(_DEFAULT, "replace")
    except UnicodeError:
        pass
    try:
        # Many senders write UTF-8 whatever they declare.
        return value.decode("utf-8")
    except UnicodeError:
        return value.decode(codec, "replace")
