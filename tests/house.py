"""The house rules that no linter knows: short files, no registry hosts, complete translations.

``python -m tests.house`` prints each breach as ``file: words`` and ends with 1 where there is one.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 300
LONGEST_TOOL = 400  # A program for outsiders is one file, so that a stranger can carry it away and read it whole.
GENERATED = "migrations"  # Django writes these, one operation for each table; nobody edits them.
SOURCES = (".py", ".ts", ".css", ".html", ".js", ".sh")
FORBIDDEN_NAMES = frozenset({"utils", "helpers", "common", "base", "manager"})
# Spelled in two halves, so that this list does not find itself.
REGISTRIES = tuple(
    f"{name}.{top}"
    for name, top in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npm" + "js", "org"),
        ("npm" + "js", "com"),
        ("yarnpkg", "com"),
        ("proxy.golang", "org"),
        ("docker", "io"),
        ("ghcr", "io"),
        ("quay", "io"),
    )
)
# In French an unbreakable blank stands before these signs and inside the quotation marks.
_BREAKABLE = re.compile(r" [:;?!»]|« ")
_CALLS = frozenset({"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "npgettext"})
_CALL = re.compile(r"\b(n?p?)(?:gettext|_)\(")

Breach = tuple[str, str]


def tracked() -> list[Path]:
    """Return the files that git keeps or would keep, relative to the project."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    return sorted({Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()})


def too_long(path: Path, text: str) -> Iterator[Breach]:
    """A source file stays under 300 lines (a tool under 400), unless it is generated, and is named for what it does."""
    lines, most = text.count("\n"), LONGEST_TOOL if path.parts[0] == "tools" else LONGEST
    if path.suffix in SOURCES and lines > most and path.parent.name != GENERATED:
        yield str(path), f"{lines} lines; {most} are the most"
    if path.suffix == ".py" and path.stem in FORBIDDEN_NAMES:
        yield str(path), "a module is named for what it does"


def registry_hosts(path: Path, text: str) -> Iterator[Breach]:
    """Nothing names a package registry: where packages come from is the installer's affair."""
    for host in REGISTRIES:
        if host in text:
            yield str(path), f"names the registry {host}"


def sources_of(path: Path, text: str) -> set[str]:
    """Return the messages that a Python file or a template asks to be translated."""
    if path.suffix == ".html":
        return set(_messages_of_template(templatize(text)))
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return {message for call in calls for message in _message_of(call)}


def _messages_of_template(code: str) -> Iterator[str]:
    """Yield the messages in what Django hands to xgettext: calls with string literals between filler."""
    for found in _CALL.finditer(code):
        strings = _literals(code[found.end() :])
        place = 1 if "p" in found.group(1) else 0
        if len(strings) > place:
            yield strings[place]


def _literals(code: str) -> list[str]:
    """Return the string literals with which an argument list begins."""
    strings, literal = [], re.compile(r"\s*,?\s*u?(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')", re.DOTALL)
    while found := literal.match(code):
        strings.append(str(ast.literal_eval(found.group(1).replace("\n", "\\n"))))
        code = code[found.end() :]
    return strings


def _message_of(call: ast.Call) -> Iterator[str]:
    name = _called(call.func)
    place = 1 if name.startswith(("p", "np")) else 0
    if name in _CALLS and len(call.args) > place:
        argument = call.args[place]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""


def untranslated(catalogue: Catalog, wanted: Iterable[str]) -> Iterator[str]:
    """Yield each message that the catalogue lacks, leaves empty or marks as a guess."""
    known = {m.id if isinstance(m.id, str) else m.id[0]: m for m in catalogue if m.id}
    for text in sorted(set(wanted) | known.keys()):
        message = known.get(text)
        strings = message.string if message is not None else ""
        whole = all(strings) if isinstance(strings, tuple) else bool(strings)
        if message is None or not whole or message.fuzzy:
            yield text


def breakable(catalogue: Catalog) -> Iterator[str]:
    """Yield each translation in which a line may break before a sign that belongs to the word in front of it."""
    for message in catalogue:
        strings = (message.string,) if isinstance(message.string, str) else message.string or ()
        yield from (text for text in strings if message.id and text and _BREAKABLE.search(text))


def translations(files: list[Path]) -> Iterator[Breach]:
    """Every message has its French, spaced as French is."""
    mine = [path for path in files if path.suffix in (".py", ".html") and path.parts[0] != "tests"]
    wanted = {text for path in mine for text in sources_of(path, (ROOT / path).read_text(encoding="utf-8"))}
    for path in files:
        if path.suffix == ".po":
            with (ROOT / path).open("rb") as file:
                catalogue = read_po(file)
            yield from ((str(path), f"not translated: {text!r}") for text in untranslated(catalogue, wanted))
            yield from ((str(path), f"a blank that breaks: {text!r}") for text in breakable(catalogue))
    if wanted and not any(path.suffix == ".po" for path in files):
        yield "locale", "there is no catalogue"


PER_FILE: tuple[Callable[[Path, str], Iterator[Breach]], ...] = (too_long, registry_hosts)


def breaches() -> list[Breach]:
    """Return every breach in the project."""
    files = tracked()
    found: list[Breach] = []
    for path in files:
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [breach for rule in PER_FILE for breach in rule(path, text)]
    return found + list(translations(files))


def main() -> int:
    found = breaches()
    for place, words in found:
        sys.stdout.write(f"{place}: {words}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
