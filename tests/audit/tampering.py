"""Reach the log past the program, and hear what the verification says first."""

from typing import Any

from django.db import connection

from audit import verify


def do(statement: str, parameters: list[Any] | None = None) -> None:
    """Run one statement as whoever owns the database could."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def first_finding() -> tuple[int, int, str]:
    """(exit code, row, words) of the first finding."""
    report = verify.run()
    assert report.findings
    return report.code, report.findings[0].seq, report.findings[0].text
