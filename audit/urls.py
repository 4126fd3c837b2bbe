"""The pages of the record, mounted below record/."""

from django.urls import path

from audit import health_views, inbox_views, patient_views, views

app_name = "audit"

urlpatterns = [
    path("", views.record, name="record"),
    path("sittings/<uuid:sitting_id>/", views.sitting, name="sitting"),
    path("events/<int:number>/<int:seq>/", views.event, name="event"),
    path("patients/", patient_views.seek, name="patients"),
    path("patients/<slug:pseudonym>/", patient_views.report, name="patient"),
    path("patients/<slug:pseudonym>/report/", patient_views.download, name="patient-report"),
    path("mine/", patient_views.mine, name="mine"),
    path("health/", health_views.page, name="health"),
    path("alerts/", inbox_views.page, name="alerts"),
    path("alerts/seen/", inbox_views.see_several, name="see-alerts"),
    path("alerts/<uuid:alert_id>/seen/", inbox_views.see_one, name="see-alert"),
]
