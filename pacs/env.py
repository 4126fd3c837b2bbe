"""Strict readers of the environment, as pure functions over a mapping.

Every reader takes the environment and a name, and either returns a value of its type or raises
``ImproperlyConfigured`` with a sentence that names the setting and says what would be right. An empty value counts
as absent, so that ``NAME=`` in a compose file means the default.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

Environment = Mapping[str, str]
Network = IPv4Network | IPv6Network

ON = frozenset({"on", "true", "yes", "1"})
OFF = frozenset({"off", "false", "no", "0"})


def text(environ: Environment, name: str, default: str) -> str:
    """Return the value without surrounding blanks, or the default where it is absent or empty."""
    return environ.get(name, "").strip() or default


def secret(environ: Environment, name: str) -> str | None:
    """Return ``NAME``, or the content of the file that ``NAME_FILE`` names, or None where neither is set."""
    value, file = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
    if value and file:
        raise ImproperlyConfigured(f"Both {name} and {name}_FILE are set; keep one of them.")
    if not file:
        return value or None
    try:
        content = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{name}_FILE names {file}, which cannot be read: {type(error).__name__}.") from None
    if not content:
        raise ImproperlyConfigured(f"{name}_FILE names {file}, which is empty.")
    return content


def kept_secret(file: Path) -> str | None:
    """Return the secret that set-up keeps in ``file``, or None where this process finds none."""
    try:
        return file.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def number(environ: Environment, name: str, default: int, *, low: int, high: int) -> int:
    """Return a whole number between ``low`` and ``high``, both allowed."""
    value = text(environ, name, str(default))
    if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be a whole number from {low} to {high}.")
    return int(value)


def port(environ: Environment, name: str, default: int) -> int:
    """Return a TCP port; 0 lets the system choose a free one."""
    return number(environ, name, default, low=0, high=65535)


def choice(environ: Environment, name: str, options: tuple[str, ...], default: str) -> str:
    """Return one of the options, spelled exactly."""
    value = text(environ, name, default)
    if value not in options:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be one of: {', '.join(options)}.")
    return value


def switch(environ: Environment, name: str, *, default: bool) -> bool:
    """Return True for on, False for off; anything unclear is refused."""
    value = text(environ, name, "on" if default else "off").lower()
    if value not in ON | OFF:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be on or off.")
    return value in ON


def words(environ: Environment, name: str, default: str = "") -> tuple[str, ...]:
    """Return the parts of a comma-separated list, blanks removed, in order."""
    return tuple(part.strip() for part in text(environ, name, default).split(",") if part.strip())


def path(environ: Environment, name: str, default: Path, *, root: Path) -> Path:
    """Return an absolute path; a relative one is taken from ``root``, symbolic links are left as they are."""
    given = text(environ, name, "")
    return Path((root / Path(given).expanduser()) if given else default).absolute()


def networks(environ: Environment, name: str, default: str = "") -> tuple[Network, ...]:
    """Return address ranges such as ``10.1.0.0/16`` or ``::1``; a single address is a range of one."""
    try:
        return tuple(ip_network(word) for word in words(environ, name, default))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a comma-separated list of address ranges: {error}.") from None


def locations(
    environ: Environment, name: str, default: str, *, schemes: tuple[str, ...], root: Path
) -> tuple[str, ...]:
    """Return URLs whose scheme is known; relative ``file:`` paths are made absolute from ``root``."""
    found = []
    for word in words(environ, name, default):
        scheme, colon, rest = word.partition(":")
        if not colon or scheme not in schemes or not rest:
            raise ImproperlyConfigured(
                f"{name} is {word!r}; it must start with one of: {', '.join(schemes)}, then a colon."
            )
        found.append(f"file:{(root / file_path(word)).absolute()}" if scheme == "file" else word)
    return tuple(found)


def file_path(url: str) -> Path:
    """Return the path that a ``file:`` URL names; ``file:/a``, ``file:///a`` and ``file:a`` are all understood."""
    rest = url.removeprefix("file:")
    return Path(rest.removeprefix("//")) if rest.startswith("///") else Path(rest)


def unknown(environ: Environment, known: frozenset[str], prefix: str = "PACS_") -> tuple[tuple[str, str], ...]:
    """Return each name with our prefix that no setting has, with the known name it is likely meant to be, or ''."""
    names = known | {f"{name}_FILE" for name in known}
    strangers = sorted(name for name in environ if name.startswith(prefix) and name not in names)
    return tuple((name, next(iter(get_close_matches(name, sorted(known), n=1)), "")) for name in strangers)
