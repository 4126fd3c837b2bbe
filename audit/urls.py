"""The pages of the record, mounted below record/."""

from django.urls import path

from audit import views

app_name = "audit"

urlpatterns = [
    path("", views.record, name="record"),
    path("sittings/<uuid:sitting_id>/", views.sitting, name="sitting"),
    path("events/<int:number>/<int:seq>/", views.event, name="event"),
    path("alerts/", views.alert_list, name="alerts"),
    path("alerts/<uuid:alert_id>/seen/", views.see_alert, name="see-alert"),
]
