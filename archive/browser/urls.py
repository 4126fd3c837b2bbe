"""The pages of the archive. No path and no query ever holds a name; the study UID is the only identifier in them."""

from django.urls import path

from archive.browser import (
    break_glass,
    destruction,
    download,
    entrance,
    fixity,
    granting,
    held,
    physicians,
    removal,
    sharing,
    studies,
    viewer,
)

app_name = "browser"

urlpatterns = [
    path("", entrance.home, name="home"),
    path("language/", entrance.language, name="language"),
    path("studies/", studies.studies, name="studies"),
    path("studies/recent/", studies.recent, name="recent"),
    path("studies/<str:study_uid>/", viewer.study, name="study"),
    path("studies/<str:study_uid>/priors.json", viewer.priors, name="priors"),
    path("studies/<str:study_uid>/displayed/", viewer.displayed, name="displayed"),
    path("studies/<str:study_uid>/download/", download.download, name="download"),
    path("studies/<str:study_uid>/fixity/", fixity.fixity, name="fixity"),
    path("studies/<str:study_uid>/trash/", removal.trash, name="trash"),
    path("studies/<str:study_uid>/restore/", removal.restore, name="restore"),
    path("studies/<str:study_uid>/release/", removal.release, name="release"),
    path("studies/<str:study_uid>/destroy/", destruction.destroy, name="destroy"),
    path("destruction/", destruction.doomed, name="doomed"),
    path("destruction/certificates/", destruction.certificates, name="certificates"),
    path("destruction/certificates/<uuid:identifier>/", destruction.certificate, name="certificate"),
    path("destruction/certificates/<uuid:identifier>/steps/", destruction.steps, name="steps"),
    path("destruction/certificates/<uuid:identifier>/note/", destruction.note, name="note"),
    path("break-glass/", break_glass.page, name="break-glass"),
    path("break-glass/end/", break_glass.end, name="end-glass"),
    path("people/<uuid:person_id>/spellings/", physicians.page, name="spellings"),
    path("people/<uuid:person_id>/spellings/<uuid:link_id>/end/", physicians.end, name="end-spelling"),
    path("grants/", granting.grants, name="grants"),
    path("grants/<uuid:identifier>/revoke/", granting.revoke, name="revoke-grant"),
    path("restricted/", granting.restricted, name="restricted"),
    path("studies/<str:study_uid>/grant/", granting.grant, name="grant"),
    path("shares/", sharing.shares, name="shares"),
    path("shares/<uuid:identifier>/end/", sharing.end, name="end-share"),
    path("studies/<str:study_uid>/share/", sharing.share, name="share"),
    path("studies/<str:study_uid>/unrestrict/", granting.unrestrict, name="unrestrict"),
    path("trash/", removal.trashed, name="trashed"),
    path("holds/", removal.holds, name="holds"),
    path("studies/<str:study_uid>/held/", held.held, name="held"),
    path("studies/<str:study_uid>/held/<uuid:held_id>/accept/", held.accept, name="accept"),
    path("studies/<str:study_uid>/held/<uuid:held_id>/reject/", held.reject, name="reject"),
]
