"""From a database URL to what Django wants, with the durability this archive promises."""

from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseFault
from django.db import connection

OWNER_COMMANDS = frozenset({"migrate"})
STATEMENT_TIMEOUT_MS = 60_000

# FULL makes every commit survive a power cut (in WAL mode it syncs the journal at each commit); secure_delete
# overwrites freed pages; recursive_triggers lets the triggers that guard the log see INSERT OR REPLACE.
SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; "
    "PRAGMA recursive_triggers=ON; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
)


def choose_owner(argv: list[str], environ: MutableMapping[str, str]) -> None:
    """Point migrations at the owner of the tables, so that the program's own login may only insert and select."""
    if len(argv) < 2 or argv[1] not in OWNER_COMMANDS:
        return
    for suffix in ("", "_FILE"):
        owner = environ.get(f"PACS_DATABASE_MIGRATE_URL{suffix}")
        if owner:
            environ.pop("PACS_DATABASE_URL", None)
            environ.pop("PACS_DATABASE_URL_FILE", None)
            environ[f"PACS_DATABASE_URL{suffix}"] = owner


def database(url: str, *, root: Path) -> dict[str, Any]:
    """Return Django's dictionary for ``sqlite:PATH`` or ``postgres://user:password@host:port/name?sslmode=…``."""
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        return _sqlite(url, root)
    if scheme in {"postgres", "postgresql"}:
        return _postgres(url)
    raise ImproperlyConfigured("PACS_DATABASE_URL must start with sqlite: or postgres://.")


def _sqlite(url: str, root: Path) -> dict[str, Any]:
    name = url.removeprefix("sqlite:")
    name = name.removeprefix("//") if name.startswith("///") else name
    if not name:
        raise ImproperlyConfigured("PACS_DATABASE_URL names no file after sqlite:.")
    options = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": SQLITE_PRAGMAS}
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str((root / name).absolute()),
        # Opening a connection reads the whole schema, which takes longer than most of what is asked.
        "CONN_MAX_AGE": 600,
        "OPTIONS": options,
    }


def _postgres(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    name = unquote(parts.path.removeprefix("/"))
    if not name:
        raise ImproperlyConfigured("PACS_DATABASE_URL names no database after the host.")
    session = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c synchronous_commit=on"
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"options": session, "application_name": "custos", **dict(parse_qsl(parts.query))},
    }


def postgres_findings() -> Iterator[tuple[str, str, str]]:
    """Yield what would make a Postgres server write statements or their values into its own log, or lose commits."""
    if connection.vendor != "postgresql":
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT name, setting FROM pg_settings WHERE name IN ('log_statement', 'log_parameter_max_length',"
                " 'log_parameter_max_length_on_error', 'log_min_duration_statement',"
                " 'fsync', 'full_page_writes', 'synchronous_commit')"
            )
            found = dict(cursor.fetchall())
    except DatabaseFault:
        yield "E020", "PACS_DATABASE_URL: the database does not answer.", "Start it, or correct the URL."
        return
    if found["log_statement"] in {"all", "mod"}:
        hint = "Set log_statement = none for this database."
        yield "E013", f"PACS_DATABASE_URL: the server logs statements (log_statement={found['log_statement']}).", hint
    logs_values = found["log_min_duration_statement"] != "-1" and found["log_parameter_max_length"] != "0"
    if logs_values or found["log_parameter_max_length_on_error"] != "0":
        hint = "Set log_parameter_max_length = 0 and log_parameter_max_length_on_error = 0."
        yield "E013", "PACS_DATABASE_URL: the server logs the values of statements.", hint
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if found[name] == "off":
            words = f"PACS_DATABASE_URL: what the server acknowledges would not survive a power cut ({name}=off)."
            yield "E021", words, f"Set {name} = on, and nothing to the contrary in the URL."
