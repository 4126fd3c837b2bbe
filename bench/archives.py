"""An empty place for an archive that a measure plants itself, in this process, and that is gone afterwards."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def empty(name: str, *, postgres: bool) -> Iterator[Path]:
    """A directory and a database of its own, which the environment of this process names; not set up yet."""
    from tests import services

    root = Path(tempfile.mkdtemp(prefix=f"custos-{name}-"))
    url = services.create_database(name) if postgres else f"sqlite:{root / 'data' / 'index.sqlite3'}"
    os.environ |= {
        "PACS_DATA_DIR": str(root / "data"),
        "PACS_KEK_URL": f"file:{root / 'root.key'}",
        "PACS_ANCHORS": f"file:{root / 'anchors'}",
        "PACS_DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "pacs.settings",
    }
    try:
        yield root
    finally:
        from django.db import connections

        connections.close_all()
        if postgres:
            services.drop_database(url)
        shutil.rmtree(root)
