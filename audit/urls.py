"""The pages of the record, mounted below record/."""

from django.urls import path

from audit import patient_views, views

app_name = "audit"

urlpatterns = [
    path("", views.record, name="record"),
    path("sittings/<uuid:sitting_id>/", views.sitting, name="sitting"),
    path("events/<int:number>/<int:seq>/", views.event, name="event"),
    path("patients/", patient_views.seek, name="patients"),
    path("patients/<slug:pseudonym>/", patient_views.report, name="patient"),
    path("patients/<slug:pseudonym>/report/", patient_views.download, name="patient-report"),
    path("mine/", patient_views.mine, name="mine"),
    path("alerts/", views.alert_list, name="alerts"),
    path("alerts/<uuid:alert_id>/seen/", views.see_alert, name="see-alert"),
]
