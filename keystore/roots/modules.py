"""PKCS#11 libraries in this process: loaded once, signed in once, begun anew when a token went away or a fork happened.

A library is started without leave to be used by several threads at once, and its sign-in belongs to the process, so one
lock for each is held around everything. Every trouble ends in ``RootKeyError`` and a library that is left; the next
use starts it again, which is how a token that was taken out and put back is found.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

from pkcs11 import (
    DeviceRemoved,
    FunctionNotSupported,
    Mechanism,
    MechanismInvalid,
    MechanismParamInvalid,
    PinExpired,
    PinIncorrect,
    PinInvalid,
    PinLenRange,
    PinLocked,
    PKCS11Error,
    Session,
    Token,
    TokenFlag,
    TokenNotPresent,
    UserAlreadyLoggedIn,
    UserPinNotInitialized,
)
from pkcs11._pkcs11 import lib

from keystore.errors import RootKeyError
from keystore.roots import pins
from keystore.roots.address import Address

SECONDS: Final = 10.0
LOOKS: Final = (0.05, 0.15, 0.4)
"""Pauses before a token that is not to be seen is looked for anew: a soft token is rewritten at each sign-in, and a
library that starts at that moment takes it for broken and shows it no more until it is started again."""

NEEDED: Final = (Mechanism.AES_GCM, Mechanism.AES_CMAC)

Result = TypeVar("Result")

_lock = Lock()
_modules: dict[Path, "Module"] = {}


def use(address: Address, act: Callable[[Session], Result], *, write: bool = False) -> Result:
    """What ``act`` gives in a session of the token, signed in; ``RootKeyError`` when no such session is to be had.

    ``act`` runs once more, in a new session, when one from before does not serve any longer; it must stand that.
    """
    with _lock:
        module = _modules.setdefault(address.module, Module(address.module))
    return module.use(address, act, write=write)


def leave() -> None:
    """Sign out of every token; the next use signs in again."""
    with _lock:
        modules = list(_modules.values())
    for module in modules:
        module.leave()


class Module:
    """One library, and the sessions of this process in its tokens."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._library: lib | None = None
        self._inherited: lib | None = None
        self._sessions: dict[tuple[str, str], Session] = {}

    def use(self, address: Address, act: Callable[[Session], Result], *, write: bool) -> Result:
        """As the function ``use``."""
        self._take(address)
        try:
            known = None if write else self._sessions.get((address.token, address.serial))
            if known is not None:
                try:
                    return act(known)
                except (PKCS11Error, RootKeyError):
                    self._end()
            return self._afresh(address, act, write=write)
        finally:
            self._lock.release()

    def leave(self) -> None:
        """Sign out and end the library, unless a token that does not answer holds it."""
        if self._lock.acquire(timeout=SECONDS):
            try:
                self._end()
            finally:
                self._lock.release()

    def disown(self) -> None:
        """In a forked child: sessions, sign-in and lock are the parent's. The library is started again at first use."""
        self._lock = Lock()
        self._sessions = {}
        if self._library is not None:
            self._library, self._inherited = None, self._library

    def _take(self, address: Address) -> None:
        if not self._lock.acquire(timeout=SECONDS):
            raise RootKeyError(f"The token {address.token!r} does not answer.")

    def _afresh(self, address: Address, act: Callable[[Session], Result], *, write: bool) -> Result:
        try:
            session = self._open(address, write=write)
            result = act(session)
        except PKCS11Error as error:
            self._end()
            raise RootKeyError(_words(error, address)) from None
        except BaseException:
            self._end()
            raise
        if write:
            self._end()
        else:
            self._sessions[address.token, address.serial] = session
        return result

    def _end(self) -> None:
        self._sessions.clear()
        if self._library is not None and self._library.initialized:
            # A library whose token is gone may fail to end; it counts as ended all the same.
            with suppress(PKCS11Error):
                self._library.finalize()

    def _open(self, address: Address, *, write: bool) -> Session:
        token = self._seen(address)
        _require_fit(token, address)
        with pins.turn(address) as pin:
            try:
                return token.open(rw=write, user_pin=pin)
            except UserAlreadyLoggedIn:
                return token.open(rw=write)
            except (PinIncorrect, PinInvalid, PinLenRange):
                raise pins.Refused from None

    def _seen(self, address: Address) -> Token:
        for pause in LOOKS:
            if token := _token(self._started(), address):
                return token
            self._end()
            time.sleep(pause)
        if token := _token(self._started(), address):
            return token
        raise RootKeyError(f"There is no token {address.token!r} to be seen through {address.module}; is it there?")

    def _started(self) -> lib:
        if self._library is None and self._inherited is not None:
            self._library = _after_fork(self._path, self._inherited)
        if self._library is None:
            self._library = _load(self._path)
        if not self._library.initialized:
            try:
                self._library.initialize()
            except PKCS11Error as error:
                raise _unstarted(self._path, error) from None
        return self._library


def _load(path: Path) -> lib:
    if not path.is_file():
        raise RootKeyError(
            f"There is no PKCS#11 library {path}; install the one of the HSM, or name its place with module-path in "
            "PACS_KEK_URL."
        )
    try:
        return lib(str(path))
    except PKCS11Error as error:
        # The loader's own errors have no class; every other one says that the library itself refused to start.
        if type(error) is PKCS11Error:
            raise RootKeyError(f"{path} is no PKCS#11 library that can be loaded here.") from None
        raise _unstarted(path, error) from None


def _unstarted(path: Path, error: PKCS11Error) -> RootKeyError:
    return RootKeyError(
        f"The PKCS#11 library {path} does not start ({type(error).__name__}); see its configuration, and whether its "
        "token is there."
    )


def _after_fork(path: Path, inherited: lib) -> lib:
    """A child must start the library for itself; one that takes itself for started already is ended before.

    The parent's object is kept by the caller: dropping it would end the library.
    """
    try:
        return lib(str(path))
    except PKCS11Error:
        with suppress(PKCS11Error):
            inherited.finalize()
        return inherited


def _token(library: lib, address: Address) -> Token | None:
    found = []
    for slot in library.get_slots(token_present=True):
        try:
            token = slot.get_token()
        except PKCS11Error:
            continue
        if token.label == address.token and address.serial in ("", token.serial.decode("utf-8", "replace")):
            found.append(token)
    if len(found) > 1:
        raise RootKeyError(f"More than one token is called {address.token!r}; add serial=… to PACS_KEK_URL.")
    return found[0] if found else None


def _require_fit(token: Token, address: Address) -> None:
    lacking = [needed.name for needed in NEEDED if needed not in token.slot.get_mechanisms()]
    if lacking:
        raise RootKeyError(f"The token {address.token!r} lacks the mechanism {' and '.join(lacking)}.")
    if token.flags & TokenFlag.USER_PIN_LOCKED:
        raise RootKeyError(_locked(address))
    if token.flags & TokenFlag.USER_PIN_FINAL_TRY:
        raise RootKeyError(
            f"One more wrong PIN locks the token {address.token!r}, so none is tried. Sign in to it once by its own "
            "tools; that gives the tries back."
        )


def _locked(address: Address) -> str:
    return f"The PIN of the token {address.token!r} is locked; its security officer can set a new one."


def _words(error: PKCS11Error, address: Address) -> str:
    """An error of the library in an operator's words; its own text is not repeated."""
    name = type(error).__name__
    if isinstance(error, PinLocked):
        return _locked(address)
    if isinstance(error, (PinExpired, UserPinNotInitialized)):
        return f"The token {address.token!r} wants a PIN to be set first ({name})."
    if isinstance(error, (TokenNotPresent, DeviceRemoved)):
        return f"The token {address.token!r} is not there any more ({name})."
    if isinstance(error, (MechanismInvalid, MechanismParamInvalid, FunctionNotSupported)):
        return f"The token {address.token!r} cannot do what is needed of it ({name})."
    return f"The token {address.token!r} fails ({name})."


def _disown() -> None:
    """A forked child may have inherited the lock from a thread that it has not."""
    global _lock
    _lock = Lock()
    for module in _modules.values():
        module.disown()


os.register_at_fork(after_in_child=_disown)
