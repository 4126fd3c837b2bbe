from django.db import migrations, models

# What each index begins with; all of them go on in the order of the record.
FIRST = {
    "event_study": ["study_uid"],
    "event_patient": ["patient"],
    "event_actor": ["actor_key"],
    "event_time": ["time_us"],
}


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_alias")]

    operations = [
        *(migrations.RemoveIndex(model_name="auditevent", name=name) for name in (*FIRST, "event_sitting")),
        migrations.RemoveIndex(model_name="auditlisted", name="listed_study"),
        *(
            migrations.AddIndex(model_name="auditevent", index=models.Index(fields=[*first, "log", "seq"], name=name))
            for name, first in (*FIRST.items(), ("event_action", ["action"]))
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("sitting__isnull", False)), fields=["sitting", "log", "seq"], name="event_sitting"
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("outcome", "ok"), _negated=True),
                fields=["outcome", "log", "seq"],
                name="event_refusal",
            ),
        ),
        migrations.AddIndex(
            model_name="auditlisted", index=models.Index(fields=["study_uid", "log", "seq"], name="listed_study")
        ),
    ]
