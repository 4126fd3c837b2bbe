"""What a log line may say, and what it may not, whoever wanted to say it."""

import json
import logging
import subprocess
import sys

import pytest
from django.test import RequestFactory
from django.urls import ResolverMatch, resolve

from pacs.logs import MUTED, JsonLines

CANARY = "ZZCANARY^DOE"


def line(logger: str, message: str, *args: object, exc: BaseException | None = None) -> str:
    """Return the line that one call of a logger makes."""
    caught = (type(exc), exc, exc.__traceback__) if exc else None
    record = logging.LogRecord(logger, logging.ERROR, "/lib/where.py", 7, message, args, caught)
    return JsonLines().format(record)


def failing() -> ValueError:
    try:
        raise ValueError(f"cannot decode {CANARY}")
    except ValueError as error:
        return error


@pytest.mark.parametrize("name", ["archive.ingest", "django.request", "celery.app.trace", "pydicom", "somebody.else"])
def test_no_exception_text_reaches_a_line_only_its_type_and_its_places(name: str) -> None:
    written = line(name, "Task %s raised: %s", "id", CANARY if name.startswith("celery") else "x", exc=failing())
    found = json.loads(written)
    assert CANARY not in written
    assert found["exception"] == "builtins.ValueError"
    assert any("failing" in place for place in found["places"])


def test_a_chained_exception_does_not_tell_what_its_cause_said() -> None:
    outer = RuntimeError("outer")
    outer.__cause__ = failing()
    assert CANARY not in line("archive.x", "it failed", exc=outer)


@pytest.mark.parametrize("name", [*MUTED, "pydicom.filereader", "pynetdicom.acse"])
def test_libraries_that_see_data_sets_are_quoted_by_place_alone(name: str) -> None:
    written = line(name, f"invalid value {CANARY}")
    assert CANARY not in written
    assert json.loads(written)["place"] == "/lib/where.py:7"


def test_our_own_words_are_written() -> None:
    assert json.loads(line("archive.ingest", "stored %d instances", 54))["message"] == "stored 54 instances"


def test_a_line_is_one_line_of_json_whatever_it_says() -> None:
    written = line("pacs", "first\nsecond \u2028 \x00")
    assert len(written.splitlines()) <= 2
    assert "\n" not in written
    assert json.loads(written)["message"].startswith("first\nsecond")


def test_the_route_of_a_request_is_written_and_nothing_that_was_typed_into_its_address() -> None:
    def written(address: str, resolved: ResolverMatch | None) -> str:
        record = logging.LogRecord("django.request", logging.ERROR, "p", 1, "Not Found: %s", (address,), None)
        request = RequestFactory().get(address, {"PatientName": CANARY})
        request.resolver_match = resolved
        vars(record)["request"] = request
        return JsonLines().format(record)

    known = written("/dicom-web/studies", resolve("/dicom-web/studies"))
    assert json.loads(known)["route"] == "dicom-web/studies"
    unknown = written(f"/{CANARY}", None)
    assert json.loads(unknown)["message"] == "Not Found: %s"
    assert CANARY not in known + unknown


def test_a_real_process_that_meets_a_data_set_keeps_it_to_itself() -> None:
    code = (
        "import logging, warnings; from pacs import logs; logs.configure()\n"
        f"logging.getLogger('pynetdicom.events').warning('{CANARY}')\n"
        f"logging.getLogger('pydicom').error('{CANARY}')\n"
        f"warnings.warn('{CANARY}')\n"
        "logging.getLogger('archive').info('alive')\n"
        f"try: int('{CANARY}')\n"
        "except ValueError: logging.getLogger('archive').exception('failed')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert CANARY not in ended.stdout + ended.stderr
    messages = [json.loads(found)["message"] for found in ended.stderr.splitlines()]
    assert {"alive", "failed"} <= set(messages)


def test_an_uncaught_exception_is_written_by_type_and_place_only() -> None:
    code = f"from pacs import logs; logs.configure(); logs.catch()\nint('{CANARY}')\n"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert CANARY not in ended.stderr
    assert "ValueError" in ended.stderr


def test_an_uncaught_exception_of_a_thread_is_written_by_type_and_place_only() -> None:
    code = (
        "import threading; from pacs import logs; logs.configure(); logs.catch()\n"
        f"t = threading.Thread(target=lambda: int('{CANARY}')); t.start(); t.join()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert CANARY not in ended.stderr
    assert "ValueError" in ended.stderr
