"""Logging: JSON lines on stderr that cannot carry what a data set holds.

Exceptions are written as their type and the places they passed, never with their text. Libraries that see data sets
are quoted by place alone, whatever they wanted to say; their words may hold a patient's name.
"""

import json
import logging
import logging.config
import os
import sys
import threading
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from django.core.exceptions import ImproperlyConfigured

MUTED = (
    "pydicom", "pynetdicom", "PIL", "pylibjpeg", "gdcm", "jpeg_ls", "openjpeg", "py.warnings", "dicomweb_client",
    "_granian", "boto3", "botocore", "urllib3",
)  # fmt: skip
"""Loggers of libraries that see data sets or credentials, or quote exceptions that do; only the place is kept."""

OWN = ("pacs", "vault", "keystore", "audit", "accounts", "archive")
"""Our own loggers; by house rule their messages carry no values from data sets."""


SPEAKING = (ImportError, NameError, ImproperlyConfigured)
"""Exceptions whose text is made of names in the program and settings, never of what it processes."""


def _belongs(name: str, families: tuple[str, ...]) -> bool:
    return any(name == family or name.startswith(f"{family}.") for family in families)


def words(record: logging.LogRecord) -> str:
    """Return what may be said of a record: nothing from muted libraries, no arguments beside a foreign exception.

    Nor those beside a request: people type names into addresses, where no page is.
    """
    if _belongs(record.name, MUTED):
        return "message withheld"
    if (record.exc_info or hasattr(record, "request")) and not _belongs(record.name, OWN):
        return str(record.msg) if record.args else "message withheld"
    return record.getMessage()


def places(trace: TracebackType | None, most: int = 12) -> list[str]:
    """Return the innermost frames as ``file:line function``, without source lines or values."""
    frames = traceback.extract_tb(trace)[-most:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def speech(error: BaseException | None) -> dict[str, str]:
    """Return what an exception may say: the text of kinds that speak of the program alone, else errno's."""
    if isinstance(error, SPEAKING):
        return {"says": str(error)}
    if isinstance(error, OSError) and error.errno:
        return {"says": os.strerror(error.errno)}
    return {}


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and type and places of an exception."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": words(record),
        }
        if _belongs(record.name, MUTED):
            line["place"] = f"{record.pathname}:{record.lineno}"
        request = getattr(record, "request", None)
        if request is not None:
            line["route"] = getattr(getattr(request, "resolver_match", None), "route", None)
        if record.exc_info and record.exc_info[0] is not None:
            kind = record.exc_info[0]
            line["exception"] = f"{kind.__module__}.{kind.__qualname__}"
            line.update(speech(record.exc_info[1]))
            line["places"] = places(record.exc_info[2])
        return json.dumps(line, ensure_ascii=False)


def configure() -> None:
    """Send every logger of this process to stderr as JSON lines."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"lines": {"()": JsonLines}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
            "root": {"handlers": ["stderr"], "level": "INFO"},
            "loggers": {
                **{name: {"level": "ERROR"} for name in MUTED},
                "django": {"level": "WARNING", "propagate": True, "handlers": []},
                "celery": {"level": "WARNING", "propagate": True, "handlers": []},
                "kombu": {"level": "ERROR", "propagate": True, "handlers": []},
                # The server sets up these two before it loads the application; from then on they are ours.
                "_granian": {"level": "WARNING", "propagate": True, "handlers": []},
                "granian.access": {"level": "INFO", "propagate": True, "handlers": []},
                "django.server": {"level": "ERROR", "propagate": True, "handlers": []},
            },
        }
    )
    logging.captureWarnings(capture=True)


def catch() -> None:
    """Write exceptions that nobody caught as type and places; the interpreter would print their text."""
    logger = logging.getLogger("pacs.uncaught")

    def of_process(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        logger.critical("nobody caught an exception", exc_info=(kind, error, trace))

    def of_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
            of_process(args.exc_type, args.exc_value, args.exc_traceback)

    def of_cleanup(args: "sys.UnraisableHookArgs") -> None:
        if args.exc_value is not None:
            of_process(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook, threading.excepthook, sys.unraisablehook = of_process, of_thread, of_cleanup
