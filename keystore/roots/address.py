"""Where a key lies in a token: ``pkcs11:`` URIs (RFC 7512), read strictly."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from keystore.errors import RootKeyError

_REQUIRED: Final = ("token", "object", "module-path", "pin-source")
_OPTIONAL: Final = ("serial", "type")


@dataclass(frozen=True, slots=True)
class Address:
    """One key: the library that speaks to its token, the token, the key's label, and the file that holds the PIN."""

    module: Path
    token: str
    label: str
    pin: Path
    serial: str = ""

    def describe(self) -> str:
        """The place in words."""
        return f"key {self.label!r} in the token {self.token!r}"


def parse(url: str) -> Address:
    """Read ``pkcs11:token=…;object=…?module-path=…&pin-source=file:…``; ``RootKeyError`` names what is wrong.

    No error repeats a value: someone may have written the PIN where it does not belong.
    """
    path, _, query = url.removeprefix("pkcs11:").partition("?")
    given: dict[str, str] = {}
    for part in [*path.split(";"), *(query.split("&") if query else ())]:
        name, value = _attribute(part)
        if name in given:
            raise RootKeyError(f"PACS_KEK_URL names {name} twice.")
        given[name] = value
    lacking = [name for name in _REQUIRED if not given.get(name)]
    if lacking:
        raise RootKeyError(f"PACS_KEK_URL lacks {' and '.join(lacking)}; a comma is written %2C, a blank %20.")
    if given.get("type", "secret-key") != "secret-key":
        raise RootKeyError("PACS_KEK_URL must name a secret key: leave type away, or write type=secret-key.")
    module, pin = Path(given["module-path"]), Path(given["pin-source"].removeprefix("file://").removeprefix("file:"))
    if not module.is_absolute() or not pin.is_absolute():
        raise RootKeyError("PACS_KEK_URL must give module-path and pin-source as absolute paths.")
    return Address(module, given["token"], given["object"], pin, given.get("serial", ""))


def _attribute(part: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if name in ("pin-value", "x-pin-value"):
        raise RootKeyError(
            "PACS_KEK_URL holds the PIN itself, which would stand in listings of processes and in logs; "
            "write it into a file and name that with pin-source=file:PATH."
        )
    if not equals or name not in _REQUIRED + _OPTIONAL:
        raise RootKeyError(f"PACS_KEK_URL must consist of {', '.join(_REQUIRED)} and, where wanted, serial.")
    try:
        return name, unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise RootKeyError(f"PACS_KEK_URL: {name} is not UTF-8.") from None
