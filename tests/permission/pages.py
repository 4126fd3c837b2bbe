"""The lines of the pages. `tests.permission.table` says how they are read."""

from typing import Final

from tests.permission.lines import read

ENTRANCES: Final = read(
    """
# columns: radiologist technologist administrator privacy keeper outsider | tired | shut | token narrow | revoked lapsed
GET  /healthz             ...... . ..... .. ..
GET  /readyz              ...... . ..... .. ..
GET  /                   ...... . >>>>> .. >>
POST /language/           ...... . ..... .. ..  sending a language
GET  /setup/              ...... . ..... .. ..
POST /setup/              !!!!!! ! !!!!! !! !!  sending a dead link
GET  /shared/             ...... . ..... .. ..  shows name="passphrase"
POST /shared/             ...... . ..... .. ..  given a study shared; sending both halves; shows /studies/{study}/
POST /shared/             !!!!!! ! !!!!! !! !!  given a study shared; sending a wrong half
GET  /sign-in/            oooooo o ..... oo ..  shows name="password"
POST /sign-in/            ...... . ..... .. ..  given somebody; sending name and password; shows /sign-in/code/
POST /sign-in/            !!!!!! ! !!!!! !! !!  given somebody; sending a wrong password
# The second steps are for whoever has taken the first, and has not gone on.
GET  /sign-in/code/       >>>>>> > >.>>> >> >>  given somebody half signed in; shows name="code"
POST /sign-in/code/       >>>>>> > >.>>> >> >>  given somebody half signed in; sending a code
POST /sign-in/code/       >>>>>> > >!>>> >> >>  given somebody half signed in; sending a wrong code
GET  /sign-in/enrol/      >>>>>> > >.>>> >> >>  given a newcomer half signed in; shows name="code"
POST /sign-in/enrol/      >>>>>> > >.>>> >> >>  given a newcomer half signed in; sending a code; shows Recovery
GET  /sign-in/password/   >>>>>> > >.>>> >> >>  given an initial password half signed in; shows name="new"
POST /sign-in/password/   >>>>>> > >.>>> >> >>  given an initial password half signed in; sending a new password
POST /sign-out/           ...... . >>>>> .. >>  shows Clear-Site-Data
GET  /step-up/            ...... . >>>>> xx >>
POST /step-up/            ...... . >>>>> xx >>  given a second factor of the asker; sending a code
POST /step-up/            !!!!!! ! >>>>> xx >>  given a second factor of the asker; sending a wrong code
"""
)

OWN: Final = read(
    """
GET  /me/                                     ...... . >>>>> -- >>
POST /me/                                     ...... . >>>>> -- >>  sending preferences
GET  /me/password/                            ...... . >>>>> -- >>
POST /me/password/                            ...... . >>>>> -- >>  given the known password; sending another password
GET  /me/recovery-codes/                      ...... ^ >>>>> -- >>
POST /me/recovery-codes/                      ...... ^ >>>>> -- >>
GET  /me/tokens/                              ...... ^ >>>>> -- >>
POST /me/tokens/                              ...... ^ >>>>> -- >>  given a scope of the asker; sending a token
GET  /me/tokens/{token}/revoke/               ...... . >>>>> -- >>  given a token of the asker
POST /me/tokens/{token}/revoke/               ...... . >>>>> -- >>  given a token of the asker
POST /me/tokens/{token}/revoke/               xxxxxx x >>>>> -- >>  given somebody's token
POST /me/tokens/{nobody}/revoke/              xxxxxx x >>>>> -- >>
GET  /me/sessions/{session}/end/              ...... . >>>>> -- >>  given a session of the asker
POST /me/sessions/{session}/end/              ...... . >>>>> -- >>  given a session of the asker
POST /me/sessions/{session}/end/              xxxxxx x >>>>> -- >>  given somebody's session
POST /me/sessions/0123456789abcdef/end/       xxxxxx x >>>>> -- >>
GET  /record/mine/                            ...... . >>>>> -- >>
"""
)

STUDIES: Final = read(
    """
GET  /studies/                                ..---o . >>>>> .. >>  given a study; shows {study}
POST /studies/                                ..---o . >>>>> .. >>  given a study; sending filters; shows {study}
GET  /studies/recent/?uid={study}             ..---o . >>>>> .. >>  shows id=
GET  /studies/recent/?since=1                 ..---o . >>>>> .. >>  shows id="newer"
GET  /studies/{study}/                        ..---x . >>>>> .. >>  shows {study}
GET  /studies/{study}/priors.json             ..---x . >>>>> .. >>  given a patient with two studies; shows study_uid
POST /studies/{study}/displayed/              ..---x . >>>>> .- >>  sending what was displayed
GET  /studies/{study}/download/               ..---x . >>>>> .. >>
POST /studies/{study}/download/               .----x ^ >>>>> -- >>  sending a purpose
GET  /studies/{study}/fixity/                 ..---x . >>>>> .. >>
GET  /studies/{study}/trash/                  -.---x . >>>>> -- >>
POST /studies/{study}/trash/                  -.---x . >>>>> -- >>  given a study
POST /studies/{study}/restore/                -.---x . >>>>> -- >>  given a study in the trash
GET  /trash/                                  -.---o . >>>>> -- >>  given a study in the trash; shows {study}
GET  /studies/{study}/held/                   -.---x . >>>>> -- >>  given an image held back; shows {held}
POST /studies/{study}/held/{held}/accept/     -.---x . >>>>> -- >>  given an image held back
POST /studies/{study}/held/{held}/reject/     -.---x . >>>>> -- >>  given an image held back

GET  /studies/{nothing}/                      xx---x x >>>>> xx >>
GET  /studies/{nothing}/priors.json           xx---x x >>>>> xx >>
POST /studies/{nothing}/displayed/            xx---x x >>>>> x- >>  sending what was displayed
GET  /studies/{nothing}/download/             xx---x x >>>>> xx >>
POST /studies/{nothing}/download/             x----x ^ >>>>> -- >>  sending a purpose
GET  /studies/{nothing}/fixity/               xx---x x >>>>> xx >>
GET  /studies/{nothing}/trash/                -x---x x >>>>> -- >>
POST /studies/{nothing}/trash/                -x---x x >>>>> -- >>
POST /studies/{nothing}/restore/              -x---x x >>>>> -- >>
GET  /studies/{nothing}/held/                 -x---x x >>>>> -- >>
POST /studies/{nothing}/held/{nobody}/accept/  -x---x x >>>>> -- >>
POST /studies/{nothing}/held/{nobody}/reject/  -x---x x >>>>> -- >>
GET  /studies/{study}/                        xx---x x >>>>> xx >>  given a study in the trash
GET  /studies/{study}/fixity/                 xx---x x >>>>> xx >>  given a study in the trash
POST /studies/{study}/download/               x----x ^ >>>>> -- >>  given a study in the trash; sending a purpose
GET  /studies/{study}/                        xx---x x >>>>> xx >>  given a study restricted
GET  /studies/{study}/download/               xx---x x >>>>> xx >>  given a study restricted
"""
)

ENDS: Final = read(
    """
GET  /holds/                                  ---.-. . >>>>> -- >>
POST /holds/                                  ---.-. . >>>>> -- >>  given a study; sending a hold
POST /holds/                                  ---x-x x >>>>> -- >>  sending a hold of nothing
POST /studies/{study}/release/                ---.-. . >>>>> -- >>  given a study under a hold
POST /studies/{nothing}/release/              ---x-x x >>>>> -- >>
GET  /destruction/                            ----.. . >>>>> -- >>
GET  /studies/{study}/destroy/                ----.. ^ >>>>> -- >>  given a study whose time is over
POST /studies/{study}/destroy/                ----.. ^ >>>>> -- >>  given a study whose time is over; sending the end
POST /studies/{study}/destroy/                ----!! ^ >>>>> -- >>  given a study in the trash; sending the end
GET  /studies/{nothing}/destroy/              ----xx x >>>>> -- >>
POST /studies/{nothing}/destroy/              ----xx x >>>>> -- >>  sending the end of nothing
GET  /destruction/certificates/               ----.. . >>>>> -- >>
GET  /destruction/certificates/{certificate}/        ----.. . >>>>> -- >>  given a study destroyed
POST /destruction/certificates/{certificate}/        ----.. ^ >>>>> -- >>  given a study destroyed
GET  /destruction/certificates/{certificate}/note/   ----.. . >>>>> -- >>  given a study destroyed
GET  /destruction/certificates/{certificate}/steps/  ----.. . >>>>> -- >>  given a study destroyed
GET  /destruction/certificates/{nobody}/             ----xx x >>>>> -- >>
POST /destruction/certificates/{nobody}/             ----xx x >>>>> -- >>
GET  /destruction/certificates/{nobody}/note/        ----xx x >>>>> -- >>
GET  /destruction/certificates/{nobody}/steps/       ----xx x >>>>> -- >>
"""
)

ADMINISTRATION: Final = read(
    """
GET  /people/                                 --.--. . >>>>> -- >>  shows outsider
GET  /people/new/                             --.--. ^ >>>>> -- >>
POST /people/new/                             --.--. ^ >>>>> -- >>  sending a person
GET  /people/{person}/                        --.--. ^ >>>>> -- >>  given somebody
POST /people/{person}/                        --.--. ^ >>>>> -- >>  given somebody; sending a person
GET  /people/{person}/disable/                --.--. . >>>>> -- >>  given somebody
POST /people/{person}/disable/                --.--. ^ >>>>> -- >>  given somebody
GET  /people/{person}/enable/                 --.--. . >>>>> -- >>  given somebody
POST /people/{person}/enable/                 --.--. ^ >>>>> -- >>  given somebody
GET  /people/{person}/reset/                  --.--. . >>>>> -- >>  given somebody
POST /people/{person}/reset/                  --.--. ^ >>>>> -- >>  given somebody
GET  /people/{nobody}/                        --x--x x >>>>> -- >>
POST /people/{nobody}/                        --x--x x >>>>> -- >>  sending a person
POST /people/{nobody}/disable/                --x--x x >>>>> -- >>
POST /people/{nobody}/enable/                 --x--x x >>>>> -- >>
POST /people/{nobody}/reset/                  --x--x x >>>>> -- >>
GET  /groups/                                 --.--. . >>>>> -- >>
POST /groups/                                 --.--. . >>>>> -- >>  sending a name
"""
)

RECORD: Final = read(
    """
GET  /record/                                 ---.-. . >>>>> .- >>
GET  /record/events/1/1/                      ---.-. . >>>>> .- >>
GET  /record/events/9/9/                      ---x-x x >>>>> x- >>
GET  /record/sittings/{sitting}/              ---.-. . >>>>> .- >>  given a sitting
GET  /record/sittings/{nobody}/               ---x-x x >>>>> x- >>
GET  /record/health/                          ---.-. . >>>>> .- >>
GET  /record/alerts/                          --..-. . >>>>> .- >>
POST /record/alerts/seen/                     --..-. . >>>>> .- >>
POST /record/alerts/{alert}/seen/             --..-. . >>>>> .- >>  given an alert
POST /record/alerts/{nobody}/seen/            --xx-x x >>>>> x- >>
GET  /record/patients/                        ---.-. . >>>>> .- >>
POST /record/patients/                        ---.-. . >>>>> .- >>  given a patient by number; sending the number
GET  /record/patients/{pseudonym}/            ---.-. . >>>>> .- >>
POST /record/patients/{pseudonym}/report/     ---.-. . >>>>> .- >>
GET  /record/patients/no-such/                ---x-x x >>>>> x- >>
"""
)

LINES: Final = (*ENTRANCES, *OWN, *STUDIES, *ENDS, *ADMINISTRATION, *RECORD)
