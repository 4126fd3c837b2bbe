"""The starting roles that nobody touched hold what they hold in a new installation."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# What each held before emergencies and restrictions came, and what it holds since then in a new installation.
CAME = {
    "clinician": (
        frozenset({"study.search", "study.view", "study.download"}),
        frozenset({"study.break-glass"}),
    ),
    "privacy officer": (
        frozenset({"log.read", "log.verify", "alerts.read", "study.hold", "roles.read"}),
        frozenset({"study.restrict", "break-glass.review"}),
    ),
}
APART = frozenset({"study.break-glass", "break-glass.review"})
"""What nobody holds together: a role that would bring it about is left as it is."""


def complete(apps: Apps, _editor: BaseDatabaseSchemaEditor | None) -> None:
    for role in apps.get_model("accounts", "Role").objects.filter(name__in=CAME):
        before, came = CAME[role.name]
        if frozenset(role.permissions) - came == before and not any(_bad(one, came) for one in role.people.all()):
            role.permissions = sorted(before | came)
            role.save(update_fields=["permissions"])


def _bad(person: object, came: frozenset[str]) -> bool:
    held = came.union(*(role.permissions for role in person.roles.all()))  # type: ignore[attr-defined]
    return held >= APART


class Migration(migrations.Migration):
    dependencies = [("accounts", "0013b_token_places")]
    operations = [migrations.RunPython(complete, migrations.RunPython.noop)]
