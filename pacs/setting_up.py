"""Make an installation ready to serve, step by step; every step may be repeated and keeps what is there."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.core.management import call_command

from keystore import secretfiles
from pacs import grants, tls
from pacs.env import file_path

LINK_MINUTES: Final = 60


def folders() -> str | None:
    """Make the data directory, the folder of secrets and the anchors' folders, closed to others."""
    anchors = [file_path(url) for url in settings.PACS_ANCHORS if url.startswith("file:")]
    wanted = [settings.PACS_DATA_DIR, settings.PACS_SECRETS_DIR, *anchors]
    missing = [folder for folder in wanted if not folder.is_dir()]
    for folder in missing:
        secretfiles.closed_folder(folder)
    return "made " + ", ".join(map(str, missing)) if missing else None


def root_key() -> str | None:
    """Draw the root key where there is none yet: into its file, or inside the token, which then never gives it away."""
    from keystore import roots

    if roots.present(settings.PACS_KEK_URL):
        return None
    place = roots.create(settings.PACS_KEK_URL)
    advice = "keep a copy where the data is not"
    if settings.PACS_KEK_URL.startswith("pkcs11:"):
        advice = "back the token up by its own means, and hand out recovery shares"
    return f"drew a root key: {place}; {advice}"


def secret_key() -> str | None:
    """Draw the key that signs cookies and keep it beside the root key, unless the operator gave one."""
    if settings.PACS_SECRET_KEY is not None:
        return None
    drawn = secrets.token_urlsafe(64)
    secretfiles.write(settings.PACS_SECRET_KEY_PATH, drawn.encode())
    settings.PACS_SECRET_KEY = settings.SECRET_KEY = drawn
    return f"drew a signing key into {settings.PACS_SECRET_KEY_PATH}"


def tables() -> str | None:
    """Bring the database up to date, as the owner of the tables where one is named."""
    if settings.PACS_DATABASE_MIGRATE_URL:
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "migrate", "--verbosity", "0"]
        subprocess.run(command, check=True, env=dict(os.environ))
        grants.give(settings.PACS_DATABASE_MIGRATE_URL, settings.PACS_DATABASE_URL)
    else:
        call_command("migrate", verbosity=0)
    return None


def keys() -> str | None:
    """Make this month's epoch key and the keys of the installation where they are missing."""
    from keystore import keys as kept

    kept.initialise()
    return None


def roles() -> str | None:
    """Put the roles to start with into the database."""
    from accounts import roles as kept

    kept.ensure()
    return None


def certificate() -> str | None:
    """Make the private authority and the web server's certificate where they are due."""
    if not tls.settle():
        return None
    return f"issued a certificate; to be trusted, browsers need {tls.authority_certificate()}"


def built() -> str | None:
    """Say what the build has not made yet."""
    there = (settings.BASE_DIR / "static" / "viewer" / "main.js").is_file()
    return None if there else "the viewer is not built yet; run `make build`"


STEPS: Final[tuple[Callable[[], str | None], ...]] = (
    folders, root_key, secret_key, tables, keys, roles, certificate, built,
)  # fmt: skip


def lost_root_key() -> bool:
    """Return whether there is a database with keys while the root key is gone: drawing a new one would help nobody.

    Raises ``RootKeyError`` where it cannot be told, as while the token is away.
    """
    from keystore import roots

    return _keys_kept() and not roots.present(settings.PACS_KEK_URL)


def _keys_kept() -> bool:
    """Return whether the database may hold keys that a root key wrapped; a SQLite file alone counts."""
    from keystore import checks

    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        return os.path.exists(database["NAME"])  # noqa: PTH110
    return checks.keys_kept()


def first_link() -> str | None:
    """Return a fresh one-time link while there is no person, else None."""
    from accounts import setup_links
    from accounts.models import Person

    if Person.objects.exists():
        return None
    host = next((host for host in settings.PACS_HOSTS if "*" not in host), "localhost")
    scheme = "http" if settings.PACS_TLS == "off" else "https"
    port = "" if settings.PACS_TLS == "proxy" else f":{settings.PACS_WEB_PORT}"
    return f"{scheme}://{host}{port}/setup/#{setup_links.issue()}"
