"""Every call that guards a door, found in the sources, and the program with some of them letting everybody through."""

import ast
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from accounts import gate, identify, mine
from accounts.errors import Forbidden
from accounts.views import asking
from tests.completeness.sites import sources

Original = Callable[..., Any]

_open = ContextVar("_open", default=False)
"""Whether the gate asks nothing, in the thread that is under way."""


@dataclass(frozen=True, order=True)
class Site:
    """One call of a guard: its file below the project, the function it stands in, what it calls, and its lines."""

    path: str
    function: str
    guard: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.path}:{self.function}:{self.guard}"


def _unasked(original: Original, *given: Any, **named: Any) -> Any:
    """Call the gate, which lets everybody do everything meanwhile."""
    before = _open.set(True)
    try:
        return original(*given, **named)
    finally:
        _open.reset(before)


def _changing(original: Original, *given: Any, **named: Any) -> Any:
    """The same for a change, which asks when its block is entered and not when it is called."""

    @contextmanager
    def unasked() -> Iterator[Any]:
        change = original(*given, **named)
        told = _unasked(change.__enter__)
        try:
            yield told
        except BaseException as error:
            if not change.__exit__(type(error), error, error.__traceback__):
                raise
        else:
            change.__exit__(None, None, None)

    return unasked()


def _telling(original: Original, *given: Any, **named: Any) -> Any:
    """What is not there is told from what is somebody else's."""
    _unasked(original, *given, **named)
    return Forbidden("It is not there.")


def _answering(answer: object) -> Original:
    return lambda _original, *_given, **_named: answer


def _whole(_original: Original, queryset: Any, *_given: Any) -> Any:
    return queryset


def _anybody(_original: Original, request: Any) -> Any:
    who = asking.actor(request)
    return mine.person(who) if who.kind == "person" else None


GUARDS: Final[dict[str, Original]] = {
    **{
        f"accounts.gate.{name}": _unasked
        for name in ("permit", "disclose", "disclose_phrases", "view", "still", "search", "seek_patients")
    },
    "accounts.gate.change": _changing,
    "accounts.rights.change": _changing,
    "accounts.rights.holds_now": _answering(True),
    "accounts.gate.missed": _telling,
    "accounts.gate.fresh": _answering(True),
    "accounts.scope.limit": _whole,
    "accounts.scope.covers": _answering(None),
    "accounts.scope.would_cover": _answering(None),
    "accounts.scope.lasting": _answering(None),
    "accounts.standing.covers": _answering(None),
    "accounts.refusals.reason": _answering(None),
    "accounts.refusals.wants_step_up": _answering(False),
    "accounts.doors.is_open": _answering(True),
    "accounts.doors.opens_to_links": _answering(True),
    "accounts.sessions.live": _answering(True),
    "accounts.views.asking.half_signed_in": _anybody,
}
"""What guards, and what stands in its place where it is taken out."""


def sites() -> list[Site]:
    """Every call of a guard in the program."""
    return sorted({site for path, name in sources() for site in calls(path.read_text(encoding="utf-8"), name)})


def named(known: list[Site]) -> dict[Site, str]:
    """Each call in words, numbered where several of one kind stand in one function."""
    before = [Counter(map(str, known[:at]))[str(site)] for at, site in enumerate(known)]
    return {site: f"{site}-{number}" if number else str(site) for site, number in zip(known, before, strict=True)}


def calls(source: str, name: str) -> Iterator[Site]:
    """The calls of guards in one source. ValueError where it takes a guard out of its module, where none could look."""
    tree = ast.parse(source)
    modules = _imported(tree, name)
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for node in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            if (guard := _called(node.func, modules, name)) in GUARDS:
                yield Site(name, function.name, guard, node.lineno, node.end_lineno or node.lineno)


def _imported(tree: ast.Module, name: str) -> dict[str, str]:
    """What a source took from elsewhere, by the names that it uses."""
    modules = dict[str, str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {one.asname or one.name: one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            for one in node.names:
                modules[one.asname or one.name] = f"{node.module}.{one.name}"
                if f"{node.module}.{one.name}" in GUARDS:
                    raise ValueError(f"{name}: import the module of {one.name}, not {one.name} alone")
    return modules


def _called(called: ast.expr, modules: dict[str, str], name: str) -> str:
    """The whole name of what is called; within its own module a guard is called by its name alone."""
    if isinstance(called, ast.Attribute):
        return f"{modules.get(ast.unparse(called.value))}.{called.attr}"
    return f"{name.removesuffix('.py').replace('/', '.')}.{called.id}" if isinstance(called, ast.Name) else ""


@dataclass
class Watch:
    """Which calls were come by, and which let all through."""

    known: list[Site]
    reached: set[Site]
    out: frozenset[Site] = frozenset()

    def at(self, guard: str, frame: FrameType) -> Site | None:
        """The call of this guard that this frame is at."""
        file, line = frame.f_code.co_filename, frame.f_lineno
        path = file.removeprefix(f"{settings.BASE_DIR}/")
        same = (one for one in self.known if one.path == path and one.guard == guard and one.first <= line <= one.last)
        return next(same, None)


@contextmanager
def watched(watch: Watch, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Gather which calls of guards are come by, and let those that are out permit everything."""
    with patch.context() as patched:
        for guard, instead in GUARDS.items():
            patched.setattr(guard, _between(watch, guard, instead))
        for name, unasked in (("_admit", _current), ("_require_scope", None), ("_again", None)):
            patched.setattr(gate, name, _where_open(getattr(gate, name), unasked))
        yield


def _current(actor: Any, _asked: Any) -> Any:
    now = identify.current(actor)
    return actor if now.kind == "nobody" else now


def _where_open(original: Original, unasked: Original | None) -> Original:
    def asked(*given: Any, **named: Any) -> Any:
        if not _open.get():
            return original(*given, **named)
        return unasked(*given) if unasked is not None else None

    return asked


def _between(watch: Watch, guard: str, instead: Original) -> Original:
    original = import_string(guard)

    def called(*given: Any, **named: Any) -> Any:
        site = watch.at(guard, sys._getframe(1))
        if site is None:
            return original(*given, **named)
        watch.reached.add(site)
        return instead(original, *given, **named) if site in watch.out else original(*given, **named)

    return called
