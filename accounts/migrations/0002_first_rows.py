"""What every installation starts with: the access epoch, the group Unassigned and the five roles of the policy.

Roles that exist already are left as they are, so the policy may change without this migration changing them.
"""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from accounts.policy import ROLES
from accounts.scope import UNASSIGNED


def first_rows(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("accounts", "AccessEpoch").objects.get_or_create(pk=1)
    apps.get_model("accounts", "Group").objects.get_or_create(pk=UNASSIGNED, defaults={"name": "Unassigned"})
    for name, permissions in ROLES.items():
        role = apps.get_model("accounts", "Role")
        role.objects.get_or_create(name=name, defaults={"permissions": sorted(permissions)})


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(first_rows, migrations.RunPython.noop)]
