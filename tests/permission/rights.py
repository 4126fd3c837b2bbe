"""The lines of the pages on which rights are given, lent and ended. `tests.permission.table` says how they are read."""

from typing import Final

from tests.permission.lines import read

ROLES: Final = read(
    """
GET  /roles/                                  --..-. . >>>>> -- >>
GET  /roles/new/                              --.--. ^ >>>>> -- >>
POST /roles/new/                              --.--. ^ >>>>> -- >>  sending a role
GET  /roles/{role}/                           --..-. ^ >>>>> -- >>  given a role
POST /roles/{role}/                           --.--. ^ >>>>> -- >>  given a role; sending a role
GET  /roles/{role}/clone/                     --.--. ^ >>>>> -- >>  given a role
POST /roles/{role}/clone/                     --.--. ^ >>>>> -- >>  given a role; sending a role
GET  /roles/{role}/delete/                    --..-. . >>>>> -- >>  given a role
POST /roles/{role}/delete/                    --.--. ^ >>>>> -- >>  given a role
GET  /roles/999999999/                        --xx-x x >>>>> -- >>
POST /roles/999999999/                        --xx-x x >>>>> -- >>  sending a role
POST /roles/999999999/clone/                  --xx-x x >>>>> -- >>  sending a role
POST /roles/999999999/delete/                 --xx-x x >>>>> -- >>
"""
)

ENDED: Final = read(
    """
GET  /sessions/                               --.--. . >>>>> -- >>
GET  /sessions/{session}/end/                 --.--. . >>>>> -- >>  given somebody's session
POST /sessions/{session}/end/                 --.--. . >>>>> -- >>  given somebody's session
POST /sessions/0123456789abcdef/end/          --x--x x >>>>> -- >>
GET  /people/{person}/end-sessions/           --.--. . >>>>> -- >>  given somebody
POST /people/{person}/end-sessions/           --.--. . >>>>> -- >>  given somebody
POST /people/{nobody}/end-sessions/           --x--x x >>>>> -- >>
GET  /people/locked/                          --..-. . >>>>> .- >>
GET  /people/{person}/unlock/                 --..-. . >>>>> .- >>  given somebody
POST /people/{person}/unlock/                 --..-. . >>>>> .- >>  given somebody
POST /people/{nobody}/unlock/                 --xx-x x >>>>> x- >>
GET  /tokens/                                 --.--. . >>>>> -- >>
GET  /tokens/{token}/revoke/                  --.--. . >>>>> -- >>  given somebody's token
POST /tokens/{token}/revoke/                  --.--. ^ >>>>> -- >>  given somebody's token
POST /tokens/{nobody}/revoke/                 --x--x x >>>>> -- >>
"""
)

LENT: Final = read(
    """
GET  /break-glass/                            .----. ^ >>>>> -- >>
# Whoever sees the patient's studies already opens nothing.
POST /break-glass/                            !----. ^ >>>>> -- >>  given a patient by number; sending an emergency
POST /break-glass/                            !----! ^ >>>>> -- >>  sending an emergency of nobody
POST /break-glass/end/                        ...... . >>>>> .. >>
GET  /break-glass/reviews/                    ---.-. . >>>>> -- >>
GET  /break-glass/reviews/{glass}/            ---.-. . >>>>> -- >>  given a broken glass
POST /break-glass/reviews/{glass}/            ---.-! . >>>>> -- >>  given a glass to review; sending a verdict
POST /break-glass/reviews/{glass}/end/        ---.-. . >>>>> -- >>  given a broken glass
POST /break-glass/reviews/{nobody}/end/       ---x-x x >>>>> -- >>
GET  /break-glass/reviews/{nobody}/           ---x-x x >>>>> -- >>
POST /break-glass/reviews/{nobody}/           ---x-x x >>>>> -- >>  sending a verdict
GET  /break-glass/shares/                     ---.-. . >>>>> -- >>
"""
)

DEVICES: Final = read(
    """
GET  /devices/                                -..--. . >>>>> -- >>  shows CT_ONE
GET  /devices/new/                            --.--. . >>>>> -- >>
POST /devices/new/                            --.--. . >>>>> -- >>  sending a device
GET  /devices/{device}/                       -..--. . >>>>> -- >>  given a device
POST /devices/{device}/                       --.--. . >>>>> -- >>  given a device; sending a device
GET  /devices/{device}/active/                --.--. . >>>>> -- >>  given a device
POST /devices/{device}/active/                --.--. . >>>>> -- >>  given a device; sending a no
GET  /devices/{device}/enrol/                 --.--. . >>>>> -- >>  given a device
POST /devices/{device}/enrol/                 --.--. ^ >>>>> -- >>  given a device
GET  /devices/{device}/revoke/                --.--. . >>>>> -- >>  given a device
POST /devices/{device}/revoke/                --.--. . >>>>> -- >>  given a device
GET  /devices/{device}/echo/                  -..--. . >>>>> -- >>  given a device
POST /devices/{device}/echo/                  -..--. . >>>>> -- >>  given a device
GET  /devices/{nobody}/                       -xx--x x >>>>> -- >>
POST /devices/{nobody}/                       --x--x x >>>>> -- >>  sending a device
POST /devices/{nobody}/active/                --x--x x >>>>> -- >>  sending a no
POST /devices/{nobody}/enrol/                 --x--x x >>>>> -- >>
POST /devices/{nobody}/revoke/                --x--x x >>>>> -- >>
POST /devices/{nobody}/echo/                  -xx--x x >>>>> -- >>
GET  /devices/callers/                        --.--. . >>>>> -- >>
GET  /devices/callers/{caller}/block/         --.--. . >>>>> -- >>  given an unknown caller
POST /devices/callers/{caller}/block/         --.--. . >>>>> -- >>  given an unknown caller; sending a yes
POST /devices/callers/{nobody}/block/         --x--x x >>>>> -- >>  sending a yes
"""
)

OWN: Final = read(
    """
GET  /me/app/                                 ...... ^ >>>>> -- >>
POST /me/app/                                 !!!!!! ^ >>>>> -- >>  sending a wrong code
GET  /me/app/remove/                          ...... . >>>>> -- >>
POST /me/app/remove/                          !!!!!! ^ >>>>> -- >>  given a second factor of the asker
GET  /me/passkeys/                            ...... ^ >>>>> -- >>
POST /me/passkeys/                            !!!!!! ^ >>>>> -- >>
GET  /me/passkeys/{passkey}/                  ...... . >>>>> -- >>  given somebody's passkey
POST /me/passkeys/{passkey}/                  xxxxxx ^ >>>>> -- >>  given somebody's passkey; sending a name
GET  /me/passkeys/{passkey}/remove/           ...... . >>>>> -- >>  given somebody's passkey
POST /me/passkeys/{passkey}/remove/           xxxxxx ^ >>>>> -- >>  given somebody's passkey
POST /me/passkeys/{nobody}/                   xxxxxx ^ >>>>> -- >>  sending a name
POST /me/passkeys/{nobody}/remove/            xxxxxx ^ >>>>> -- >>
# Nobody here has a passkey to use: the answer is that of a place where none can be used.
POST /passkeys/ask/                           xxxxxx x >x>>> -- >>
# Whoever has a factor adds no passkey with the password alone.
POST /passkeys/offer/                         ...... ^ >x>>> -- >>
GET  /me/alive/                               ...... . >>>>> >> >>
# A token has no screen: it locks nothing.
POST /me/lock/                                ...... . >>>>> .. >>
GET  /locked/                                 ...... . >>>>> .. >>
POST /locked/                                 ...... . >>>>> .. >>  sending a wrong code
POST /me/desks/{study}/                       oooooo o >>>>> -- >>  shows desk
"""
)

TWO_PEOPLE: Final = read(
    """
GET  /approvals/                              ...... . >>>>> -- >>
# A request is shown to whoever may do what it asks for, and is not there for anybody else.
GET  /approvals/{approval}/                   xx.xx. ^ >>>>> -- >>  given a reset asked for
GET  /approvals/{approval}/approve/           ...... . >>>>> .. >>  given a reset asked for
POST /approvals/{approval}/approve/           xx.xx. ^ >>>>> -- >>  given a reset asked for
GET  /approvals/{approval}/refuse/            ...... . >>>>> .. >>  given a reset asked for
POST /approvals/{approval}/refuse/            xx.xx. ^ >>>>> -- >>  given a reset asked for
GET  /approvals/{approval}/withdraw/          ...... . >>>>> .. >>  given a reset asked for
POST /approvals/{approval}/withdraw/          xx!xx! ! >>>>> -- >>  given a reset asked for
POST /approvals/{approval}/approve/           xxxx.. ^ >>>>> -- >>  given a destruction asked for
POST /approvals/{approval}/approve/           xx.xx. ^ >>>>> -- >>  given power asked for
POST /approvals/{approval}/approve/           xx.xx. ^ >>>>> -- >>  given power asked for a role
GET  /approvals/{nobody}/                     xxxxxx x >>>>> -- >>
POST /approvals/{nobody}/approve/             xxxxxx x >>>>> -- >>
POST /approvals/{nobody}/refuse/              xxxxxx x >>>>> -- >>
POST /approvals/{nobody}/withdraw/            xxxxxx x >>>>> -- >>
"""
)

WHOSE: Final = read(
    """
GET  /groups/{group}/                         --.--. . >>>>> -- >>  given a group
POST /groups/{group}/                         --.--. . >>>>> -- >>  given a group; sending another name
GET  /groups/{group}/delete/                  --.--. . >>>>> -- >>  given a group
POST /groups/{group}/delete/                  --.--. . >>>>> -- >>  given a group
GET  /groups/{nobody}/                        --x--x x >>>>> -- >>
POST /groups/{nobody}/                        --x--x x >>>>> -- >>  sending another name
POST /groups/{nobody}/delete/                 --x--x x >>>>> -- >>
GET  /groups/rules/                           --.--. . >>>>> -- >>
POST /groups/rules/                           --.--. . >>>>> -- >>  sending a rule
POST /groups/rules/import/                    --!--! ! >>>>> -- >>
POST /groups/rules/{rule}/end/                --.--. . >>>>> -- >>  given a rule
POST /groups/rules/{nobody}/end/              --x--x x >>>>> -- >>
# Only whoever sees a study lets others in, and never themselves.
GET  /grants/                                 -----. . >>>>> -- >>
GET  /studies/{study}/grant/                  -----x ^ >>>>> -- >>
POST /studies/{study}/grant/                  -----x ^ >>>>> -- >>  given who may grant; sending a grant
POST /studies/{nothing}/grant/                -----x ^ >>>>> -- >>  given who may grant; sending a grant
POST /grants/{grant}/revoke/                  -----. ^ >>>>> -- >>  given a study granted
POST /grants/{nobody}/revoke/                 -----x ^ >>>>> -- >>
GET  /shares/                                 ...... . >>>>> -- >>
GET  /studies/{study}/share/                  -----x ^ >>>>> -- >>
POST /studies/{study}/share/                  -----x ^ >>>>> -- >>  given who may share; sending a share
POST /studies/{nothing}/share/                -----x ^ >>>>> -- >>  given who may share; sending a share
# A link is looked after by whoever made it, and by those who look after grants or read the record.
POST /shares/{share}/end/                     xxx.x. . >>>>> -- >>  given a study shared
POST /shares/{nobody}/end/                    xxxxxx x >>>>> -- >>
GET  /restricted/                             ---.-. . >>>>> -- >>
POST /restricted/                             ---.-. . >>>>> -- >>  given a study; sending a hold
POST /restricted/                             ---x-x x >>>>> -- >>  sending a hold of nothing
POST /studies/{study}/unrestrict/             ---.-. . >>>>> -- >>  given a study restricted
POST /studies/{nothing}/unrestrict/           ---x-x x >>>>> -- >>
GET  /devices/equipment/                      -..--. . >>>>> -- >>
GET  /people/{person}/spellings/              --.--. ^ >>>>> -- >>  given a spelling linked
# The spellings are the outsider's own, and nobody gives rights to themselves.
POST /people/{person}/spellings/              --.--! ^ >>>>> -- >>  given a spelling linked; sending a spelling
POST /people/{person}/spellings/{link}/end/   --.--. ^ >>>>> -- >>  given a spelling linked
GET  /people/{nobody}/spellings/              --x--x x >>>>> -- >>
POST /people/{nobody}/spellings/              --x--x ^ >>>>> -- >>  sending a spelling
POST /people/{person}/spellings/{nobody}/end/  --x--x ^ >>>>> -- >>  given somebody
"""
)

LINES: Final = (*OWN, *ROLES, *ENDED, *LENT, *DEVICES, *TWO_PEOPLE, *WHOSE)
