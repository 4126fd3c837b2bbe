"""What a line of the table says and how it is read: the letters, and the columns in their order."""

from dataclasses import dataclass
from typing import Final

COLUMNS: Final = (
    # People of Radiology (the first two) or of no group, each in one role, both factors given just now.
    "radiologist",
    "technologist",
    "administrator",
    "privacy officer",
    "keeper",
    # Somebody with all five roles, in the group Cardiology, which has none of the studies.
    "outsider",
    # Somebody with all five roles, in Radiology, whose second factor was given an hour ago.
    "tired",
    # Nobody at all; then somebody with all five roles of whom the password alone is known, who was disabled, whose
    # session is over, and who left it alone for too long.
    "nobody",
    "half",
    "disabled",
    "expired",
    "idle",
    # Tokens of somebody with all five roles: with all that a token may carry, with search alone, revoked, over.
    "token",
    "narrow",
    "revoked",
    "lapsed",
)
LETTERS: Final = {
    ".": "may, and is shown or does what the line is about",
    "o": "may, and is shown nothing of it",
    "-": "403, the same for whatever is asked",
    "x": "404, the same for what is not there",
    "^": "is asked for a fresh second factor",
    ">": "is sent to sign in, or hears 401",
    "!": "may, and what was entered is refused",
    "_": "is not asked",
}
REFUSED: Final = "o-x^>"
"""The letters of whoever must not."""


@dataclass(frozen=True)
class Line:
    """One door asked in one way, with the letter that each column gets.

    `given` names what is prepared (`tests.permission.subjects`), `sending` what is sent (`tests.permission.sent`), and
    `shows` what an answer must hold to be a `.`.
    """

    method: str
    path: str
    cells: str
    given: str = ""
    sending: str = ""
    shows: str = ""
    columns: tuple[str, ...] = COLUMNS

    def __str__(self) -> str:
        more = "".join(f", {name} {text}" for name in ("given", "sending") if (text := getattr(self, name)))
        return f"{self.method} {self.path}{more}"

    def answered(self, cells: str) -> str:
        """The line as it would stand with these letters."""
        return f"{self} {_spaced(cells)}"

    def refused(self) -> list[str]:
        """The columns that must not."""
        return [column for column, letter in zip(self.columns, self.cells, strict=True) if letter in REFUSED]

    def cell(self, column: str) -> str:
        return self.cells[self.columns.index(column)]


def read(table: str, columns: tuple[str, ...] = COLUMNS) -> tuple[Line, ...]:
    """Read a table: `METHOD path  letters…  given …; sending …; shows …`, the last three where needed."""
    texts = (text.strip() for text in table.splitlines())
    return tuple(_line(text, columns) for text in texts if text and not text.startswith("#"))


def _line(text: str, columns: tuple[str, ...]) -> Line:
    method, _, rest = text.partition(" ")
    path, *parts = (part.strip() for part in rest.split("  ") if part.strip())
    cells, more = "", ""
    for part in parts:
        if set(part) - LETTERS.keys() - {" "}:
            more = part
        else:
            cells += part.replace(" ", "")
    said = {}
    for words in filter(None, (part.strip() for part in more.split(";"))):
        name, _, value = words.partition(" ")
        if name not in ("given", "sending", "shows"):
            raise ValueError(f"{text}: {name}?")
        said[name] = value.strip()
    line = Line(method, path, cells, said.get("given", ""), said.get("sending", ""), said.get("shows", ""), columns)
    if len(line.cells) != len(columns) or not line.path:
        raise ValueError(f"{text}: {len(line.cells)} letters for {len(columns)} columns")
    return line


def _spaced(cells: str) -> str:
    return " ".join((cells[:6], cells[6:7], cells[7:12], cells[12:14], cells[14:])).rstrip()
