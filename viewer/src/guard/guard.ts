import type { Language } from "../text/text";
import { Activity } from "./activity";
import { ask, send, termsOf, type Standing, type Terms } from "./ask";
import { credential } from "../pages/passkey";
import { lockPanel, makeWarning, overPanel, quietPanel, type LockPanel } from "./panels";
import { Screen } from "./screen";

/** What is on the screen beside the page itself, and how it is put away and taken out again. */
export interface Work {
  /** What is laid out at a study, to be kept by the server while the screen is locked. */
  laidOut(): { readonly study: string; readonly desk: string } | undefined;
  /** Drops every picture and all that was fetched; what is laid out is kept here. */
  putAway(): void;
  takeOut(): void;
}

const NO_WORK: Work = { laidOut: () => undefined, putAway: () => undefined, takeOut: () => undefined };

const EVERY = 1000;
/** A page that nobody looks at asks less often; it asks at once when it is looked at again. */
const EVERY_HIDDEN = 5000;
/** Another page may just have unlocked, which gives the session another cookie: one more question settles it. */
const AGAIN = 250;
/** Without an answer for so long nothing stays in sight; nothing is lost either. */
const QUIET = 4000;

/** Looks after a page: it goes dark when its session ends, is locked, or cannot be asked about. */
export class Guard {
  private readonly screen = new Screen();
  private readonly warning = makeWarning();
  private readonly activity = new Activity(() => this.screen.covered());
  private panel: LockPanel | undefined;
  private answered = Date.now();
  private last: Standing | undefined;
  private refused = false;
  private over = false;
  private wantsLock = false;
  private turn = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly terms: Terms,
    private readonly language: Language,
    private readonly work: Work,
  ) {
    document.addEventListener("submit", (event) => {
      const form = event.target as HTMLFormElement;
      if (form.getAttribute("action") !== "/me/lock/") return;
      event.preventDefault();
      this.lock();
    });
    document.addEventListener("visibilitychange", () => this.soon(0));
    // A page that is left while it is dark is not brought back by "back".
    window.addEventListener("pagehide", () => this.screen.covered() && this.end());
    window.addEventListener("pageshow", (event) => event.persisted && this.over && location.reload());
    this.soon(EVERY);
  }

  /** Locks at once; the server is told until it has heard. */
  lock(): void {
    if (this.over || this.panel !== undefined || this.terms.link) return;
    this.wantsLock = true;
    this.showLock();
    this.soon(0);
  }

  private soon(milliseconds: number): void {
    clearTimeout(this.timer);
    if (!this.over) this.timer = setTimeout(() => void this.poll(), milliseconds);
  }

  private async poll(): Promise<void> {
    clearTimeout(this.timer);
    const soon = this.last !== undefined && Math.min(this.last.locks, this.last.ends) <= 60;
    const turn = (this.turn += 1);
    const standing = await ask(this.terms.url, this.activity.take(soon));
    // Only the newest question counts: an answer from before a lock or an unlocking would undo it.
    if (this.over || turn !== this.turn) return;
    if (standing === "over") return this.doubt();
    if (standing === undefined) this.hearNothing();
    else this.hear(standing);
    this.soon(document.hidden ? EVERY_HIDDEN : EVERY);
  }

  private hear(standing: Standing): void {
    this.answered = Date.now();
    this.refused = false;
    this.last = standing;
    if (standing.who !== this.terms.who) return this.end();
    if (standing.locked) {
      this.wantsLock = false;
      this.showLock();
      this.panel?.left(standing.ends);
      if (standing.passkey === true) this.panel?.offerPasskey();
    } else if (this.wantsLock) void this.tell();
    else this.uncover();
    if (!this.screen.covered()) this.warn(standing);
  }

  private warn({ locks, ends }: Standing): void {
    // What is laid out is kept when the longest a session may last is over.
    if (ends <= 5 && ends < locks) return this.lock();
    const next = Math.min(locks, ends);
    this.warning.say(next > 60 ? undefined : this.language.say(ends <= locks ? "guard.ends" : "guard.locks", { seconds: next }));
  }

  /** The first "no" hides, the second ends. */
  private doubt(): void {
    if (this.refused) return this.end();
    this.refused = true;
    if (!this.screen.covered()) this.screen.cover();
    this.soon(AGAIN);
  }

  private hearNothing(): void {
    if (Date.now() - this.answered < QUIET || this.panel !== undefined) return;
    this.warning.say(undefined);
    this.screen.cover(quietPanel(this.language));
  }

  private showLock(): void {
    if (this.panel !== undefined) return;
    this.warning.say(undefined);
    void this.tell();
    this.work.putAway();
    this.panel = lockPanel(
      this.language,
      this.terms.name,
      (code) => this.prove({ code }),
      () => credential("/passkeys/ask/", this.terms.token).then((answer) => this.prove({ credential: answer }), () => false),
    );
    this.screen.cover(this.panel.element);
  }

  /** Locks the session, or hands in what was laid out on this page when another one locked it. */
  private async tell(): Promise<void> {
    const laidOut = this.work.laidOut();
    await send("/me/lock/", this.terms.token, laidOut === undefined ? {} : { ...laidOut });
  }

  private async prove(shown: Record<string, string>): Promise<boolean> {
    const right = (await send("/locked/", this.terms.token, shown)) === 204;
    if (right) this.wantsLock = false;
    this.soon(0);
    return right;
  }

  private uncover(): void {
    if (!this.screen.covered()) return;
    const wasLocked = this.panel !== undefined;
    this.panel = undefined;
    this.screen.uncover();
    if (wasLocked) this.work.takeOut();
  }

  /** The session is over, or another person's: nothing of it stays in this browser. */
  private end(): void {
    this.over = true;
    clearTimeout(this.timer);
    this.warning.say(undefined);
    this.work.putAway();
    this.screen.cover(overPanel(this.language, this.terms.link));
    this.screen.forget();
    void forgetAll();
  }
}

/** Begins to look after this page, if somebody is signed in on it. */
export function guardPage(language: Language, work: Work = NO_WORK): Guard | undefined {
  const terms = termsOf(document);
  return terms === undefined ? undefined : new Guard(terms, language, work);
}

/** What a browser may keep for a page; we put nothing there, and look all the same. */
async function forgetAll(): Promise<void> {
  localStorage.clear();
  sessionStorage.clear();
  if ("caches" in window) for (const key of await caches.keys()) await caches.delete(key);
  for (const { name } of (await indexedDB.databases?.()) ?? []) if (name !== undefined) indexedDB.deleteDatabase(name);
}
