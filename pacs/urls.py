"""Where each room is mounted."""

from django.urls import include, path

from pacs import health

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("dicom-web/", include("archive.dicomweb.urls")),
    path("record/", include("audit.urls")),
    path("", include("accounts.urls")),
    path("", include("archive.browser.urls")),
]

handler403 = "archive.browser.problems.forbidden"
handler404 = "archive.browser.problems.not_found"
