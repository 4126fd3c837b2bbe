"""Where the pages of this room are."""

from django.urls import path

from accounts.views import devices, groups, me, people, setup, sign_in

app_name = "accounts"

urlpatterns = [
    path("sign-in/", sign_in.password, name="sign-in"),
    path("sign-in/password/", sign_in.new_password, name="new-password"),
    path("sign-in/code/", sign_in.code, name="code"),
    path("sign-in/enrol/", sign_in.enrol, name="enrol"),
    path("sign-out/", sign_in.leave, name="sign-out"),
    path("step-up/", sign_in.step_up, name="step-up"),
    path("setup/", setup.first_administrator, name="setup"),
    path("people/", people.listing, name="people"),
    path("people/new/", people.new, name="new-person"),
    path("people/<uuid:person_id>/", people.edit, name="person"),
    path("people/<uuid:person_id>/disable/", people.disable, name="disable-person"),
    path("people/<uuid:person_id>/enable/", people.enable, name="enable-person"),
    path("people/<uuid:person_id>/reset/", people.reset, name="reset-person"),
    path("groups/", groups.listing, name="groups"),
    path("devices/", devices.listing, name="devices"),
    path("devices/new/", devices.new, name="new-device"),
    path("devices/<uuid:device_id>/", devices.edit, name="device"),
    path("devices/<uuid:device_id>/active/", devices.active, name="device-active"),
    path("me/", me.page, name="me"),
    path("me/password/", me.password, name="my-password"),
    path("me/recovery-codes/", me.recovery_codes, name="my-recovery-codes"),
    path("me/tokens/", me.new_token, name="new-token"),
    path("me/tokens/<uuid:token_id>/revoke/", me.revoke_token, name="revoke-token"),
    path("me/sessions/<slug:session>/end/", me.end_session, name="end-session"),
]
