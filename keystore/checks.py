"""Is the root key the right one, and does it work? Asked at every start, before anything is served."""

from uuid import uuid4

from django.conf import settings
from django.db import connection

from keystore import roots
from keystore.epochs import current_epoch, epoch
from keystore.errors import RootKeyError
from keystore.keys import forget
from keystore.models import EpochKey
from vault.random import new_secret


def keys_kept() -> bool:
    """Whether this database holds keys that a root key wrapped; it need not be migrated."""
    return EpochKey._meta.db_table in connection.introspection.table_names() and EpochKey.objects.exists()


def start_check() -> None:
    """Wrap and unwrap a canary and open every epoch that has not ended; ``RootKeyError`` says what fails.

    Reads the root afresh, so that it tells of a file that was changed while the process ran. Makes the present month's
    epoch where it is missing, so that no transaction has to.
    """
    forget()
    root = roots.from_url(settings.PACS_KEK_URL)
    canary, key_id = new_secret(), uuid4()
    if root.unwrap(key_id, root.wrap(key_id, canary)) != canary:
        raise RootKeyError(f"The root key ({root.describe()}) does not give back what it wrapped.")
    current_epoch()
    for row in EpochKey.objects.filter(ended_at=None):
        epoch(row.id)
