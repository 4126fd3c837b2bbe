"""What every answer carries, at every door, whoever asked and whatever the answer was."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from tests.accounts.test_every_route import ROUTES, path_of
from tests.e2e.running import Archive
from tests.permission.house import House
from tests.permission.lines import COLUMNS

ASKED: Final = ("outsider", "radiologist", "half", "nobody", "token")
HEADERS: Final = {
    "Strict-Transport-Security": r"max-age=(31536000|[3-9]\d{7,}|\d{9,}); includeSubDomains",
    "X-Content-Type-Options": r"nosniff",
    "Referrer-Policy": r"same-origin|no-referrer",
    "Cross-Origin-Opener-Policy": r"same-origin",
    "Cross-Origin-Resource-Policy": r"same-origin",
    "X-Frame-Options": r"DENY",
    "Permissions-Policy": r".*camera=\(\).*",
    "Cache-Control": r".*\bno-store\b.*",
}
POLICY: Final = {"default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"}
MOST_TOLD: Final = 20
ABSENT: Final = ("Access-Control-Allow-Origin", "Server", "X-Powered-By", "Via")


def answers(house: House) -> Iterator[tuple[str, Any]]:
    """Every door asked in three ways by five people, among them those who are refused."""
    assert set(ASKED) <= set(COLUMNS)
    for route in ROUTES:
        for column in ASKED:
            browser = house.cast.browser(column)
            for method in ("GET", "POST", "DELETE"):
                headers = {"origin": "https://elsewhere.example"}
                answer = browser.generic(method, path_of(route), secure=True, headers=headers)
                yield f"{method} {route} by {column}: {answer.status_code}", answer
                answer.close()


def faults(answer: Any) -> list[str]:
    """What an answer lacks, or has too much."""
    policy = {one.strip() for one in answer.headers.get("Content-Security-Policy", "").split(";")}
    return [
        *(name for name, value in HEADERS.items() if not re.fullmatch(value, answer.headers.get(name, ""))),
        *(one for one in POLICY if one not in policy),
        *(f"{name}!" for name in ABSENT if name in answer.headers),
    ]


def test_every_answer_of_every_door_carries_every_header(house: House) -> None:
    wrong = [f"{asked}: {found}" for asked, answer in answers(house) if (found := faults(answer))]
    if wrong:
        pytest.fail("\n".join(wrong[:MOST_TOLD]))


def test_every_cookie_is_this_hosts_alone_and_out_of_reach_of_scripts(house: House) -> None:
    seen = set()
    for asked, answer in answers(house):
        for name, cookie in answer.cookies.items():
            seen.add(name)
            kept = (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"])
            assert kept == (True, True, "Lax", "/", "") or not cookie.value, asked
            assert name.startswith("__Host-"), asked
    assert "__Host-csrf" in seen


def test_no_answer_names_a_program_or_its_version(house: House) -> None:
    told = re.compile(r"Django|granian|Traceback|site-packages|/usr/|Python/", re.IGNORECASE)
    for asked, answer in answers(house):
        content = b"" if answer.streaming else answer.content
        assert not told.search(content.decode("utf-8", "replace")), asked
        assert not any(told.search(f"{name}: {value}") for name, value in answer.headers.items()), asked


def test_a_fresh_installation_knows_nobody(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "fresh")
    (archive.root / "tmp").mkdir(parents=True)
    archive.manage("setup", "--no-link")
    with closing(sqlite3.connect(archive.root / "data" / "index.sqlite3")) as index:
        for table in ("accounts_person", "accounts_device", "accounts_token", "accounts_session", "accounts_setuplink"):
            assert index.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
