"""What an administrator ends: tokens and sessions of others; and what becomes of a session that is locked."""

from typing import Final

from tests.completeness.administering import NOBODYS, posted
from tests.completeness.rows import Row, done, missed, plain, refused

TOKENS: Final = (
    Row("page", "administrator", "/tokens/", 200, ()),
    Row("page", "radiologist", "/tokens/", 403, refused("token:read")),
    posted("administrator", "/tokens/{token}/revoke/", 302, done("token:changed"), "somebody's token"),
    posted("administrator", "/tokens/{token}/revoke/", 302, refused("token:changed"), "somebody's token", "tired"),
    posted("radiologist", "/tokens/{token}/revoke/", 403, refused("token:read"), "somebody's token"),
    Row("page", "radiologist", "/tokens/{token}/revoke/", 403, refused("token:read"), given="somebody's token"),
    posted("administrator", f"/tokens/{NOBODYS}/revoke/", 404, missed("token:read"), ""),
)

ENDED: Final = "session:ended"
SESSIONS: Final = (
    Row("page", "administrator", "/sessions/", 200, ()),
    Row("page", "radiologist", "/sessions/", 403, refused("person:read")),
    posted(
        "administrator", "/sessions/{session}/end/", 302, (plain(ENDED, "ok", 1),), "somebody's session", way="tired"
    ),
    posted("radiologist", "/sessions/{session}/end/", 403, refused(ENDED), "somebody's session"),
    Row("page", "radiologist", "/sessions/{session}/end/", 403, refused(ENDED), given="somebody's session"),
    Row("page", "radiologist", "/people/{person}/end-sessions/", 403, refused(ENDED), given="somebody"),
    posted("administrator", "/sessions/0123456789abcdef/end/", 404, missed(ENDED), ""),
    posted("administrator", "/people/{person}/end-sessions/", 302, done(ENDED), "somebody's session", way="tired"),
    posted("radiologist", "/people/{person}/end-sessions/", 403, refused(ENDED), "somebody's session"),
    posted("administrator", f"/people/{NOBODYS}/end-sessions/", 404, missed(ENDED), ""),
)

NOBODY: Final = (plain("page:refused", "denied", 1),)
UNLOCKED: Final = "person:screen-unlocked"
LOCK: Final = (
    Row("page", "{someone}", "/me/alive/", 200, (), given="somebody"),
    Row("locked", "{someone}", "/me/alive/", 200, (), given="somebody"),
    Row("stranger", "", "/me/alive/", 401, NOBODY),
    posted("{someone}", "/me/lock/", 302, done("person:screen-locked"), "somebody"),
    posted("", "/me/lock/", 302, NOBODY, "", way="stranger"),
    posted("{someone}", "/me/lock/", 302, (), "somebody", way="locked"),
    Row("locked", "{someone}", "/locked/", 200, (), given="somebody"),
    Row("stranger", "", "/locked/", 302, NOBODY),
    posted("{someone}", "/locked/", 302, done(UNLOCKED), "somebody", way="locked", code="{code}"),
    posted("{someone}", "/locked/", 302, done(UNLOCKED), "somebody", way="locked", code="{recovery}"),
    posted("{someone}", "/locked/", 422, (plain(UNLOCKED, "denied", 1),), "somebody", way="locked", code="{wrong}"),
    posted("{someone}", "/sign-out/", 302, done("person:sign-out"), "somebody", way="locked"),
    Row("locked", "{someone}", "/studies/", 302, (plain("page:refused", "denied", 1, by="-"),), given="somebody"),
    posted("{someone}", "/me/desks/{study}/", 200, done("person:own-changed"), "somebody's desk"),
    posted("radiologist", "/me/desks/{study}/", 204, (), "somebody's desk"),
    posted("{someone}", "/me/desks/{study}/", 403, refused("person:own-changed"), "somebody's desk", way="token"),
)

ROWS: Final = (*TOKENS, *SESSIONS, *LOCK)
