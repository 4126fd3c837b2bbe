import type { Language } from "../text/text";
import { el } from "../ui/dom";

/** The words in the place of a page whose session is over; who came by a shared link has nowhere to sign in. */
export function overPanel(language: Language, link: boolean): HTMLElement {
  return el(
    "section",
    { class: "panel", "data-guard": "over" },
    el("h1", { text: language.say("guard.over") }),
    el("p", { text: language.say("guard.over.text") }),
    link ? el("p", { text: language.say("guard.over.link") }) : el("p", { class: "actions" }, el("a", { class: "button", href: "/sign-in/", text: language.say("trouble.sign-in") })),
  );
}

/** The words while the archive does not answer. */
export const quietPanel = (language: Language): HTMLElement =>
  el("section", { class: "panel", "data-guard": "quiet" }, el("h1", { text: language.say("guard.quiet") }), el("p", { role: "status", text: language.say("guard.quiet.text") }));

export interface LockPanel {
  readonly element: HTMLElement;
  left(seconds: number): void;
  /** Shows that a passkey opens the screen, too. */
  offerPasskey(): void;
}

/** Asks for the code, or for a passkey where one is offered; each tells whether it was taken. */
export function lockPanel(language: Language, name: string, byCode: (code: string) => Promise<boolean>, byPasskey: () => Promise<boolean>): LockPanel {
  const wrong = el("p", { class: "notice bad", role: "alert", text: language.say("guard.wrong"), hidden: true });
  const left = el("p", { class: "help", role: "status", hidden: true });
  const code = el("input", { id: "code", class: "code", name: "code", autocomplete: "one-time-code", autocapitalize: "none", spellcheck: "false", maxlength: 30, required: true });
  const unlock = el("button", { text: language.say("guard.unlock") });
  const passkey = el("button", { type: "button", class: "quiet", text: language.say("guard.passkey"), hidden: true });
  const form = el(
    "form",
    { class: "panel", "data-guard": "locked" },
    el("h1", { text: language.say("guard.locked") }),
    wrong,
    el("p", { text: language.say("guard.locked.text", { name }) }),
    el("div", { class: "field" }, el("label", { for: "code", text: language.say("guard.code") }), code),
    el("p", { class: "actions" }, unlock, passkey, el("a", { class: "button quiet", href: "/sign-in/", text: language.say("guard.other") })),
    left,
  );
  const prove = (proved: Promise<boolean>, words: string): void => {
    unlock.disabled = passkey.disabled = true;
    void proved.then((right) => {
      unlock.disabled = passkey.disabled = false;
      wrong.textContent = words;
      wrong.hidden = right;
      code.value = "";
      if (!right) code.focus();
    });
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    prove(byCode(code.value), language.say("guard.wrong"));
  });
  passkey.addEventListener("click", () => prove(byPasskey(), language.say("guard.passkey.wrong")));
  setTimeout(() => code.focus());
  const say = (seconds: number): void => {
    left.hidden = seconds > 60;
    left.textContent = language.say("guard.ends", { seconds });
  };
  const offerPasskey = (): void => {
    passkey.hidden = window.PublicKeyCredential === undefined;
  };
  return { element: form, left: say, offerPasskey };
}

/** A line over the page that says what is about to happen. */
export function makeWarning(): { say(words: string | undefined): void } {
  const line = el("p", { class: "session-warning", role: "status" });
  return {
    say: (words) => {
      if (words === undefined) return line.remove();
      line.textContent = words;
      if (!line.isConnected) document.body.append(line);
    },
  };
}
