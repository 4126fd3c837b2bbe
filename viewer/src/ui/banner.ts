import { RequestError, type PauseListener } from "../net/client";
import type { Language } from "../text/text";
import { el, write } from "./dom";

export interface Banner {
  readonly element: HTMLElement;
  readonly pause: PauseListener;
  /** A study that cannot be opened at all. */
  fail(error: unknown): void;
  /** A series of which one image is shown, and no more can be. */
  cutShort(error: unknown): void;
  /** A series is there whole, whatever was said of another. */
  whole(): void;
  /** Whatever was said holds no longer. */
  clear(): void;
}

/** The line above the images that says why data does not flow, and what to do. */
export function makeBanner(language: Language): Banner {
  const words = el("span");
  const link = el("a", { href: `/sign-in/?next=${encodeURIComponent(location.pathname)}`, text: language.say("trouble.sign-in"), hidden: true });
  const element = el("div", { class: "banner", role: "alert", hidden: true }, words, link);
  let short = false;
  const say = (text: string, signIn: boolean): void => {
    short = false;
    write(words, text);
    link.hidden = !signIn;
    element.hidden = false;
  };
  const pause: PauseListener = (error) => {
    if (error === null) {
      // Whoever is signed out stays so until the page is loaded again.
      if (link.hidden) element.hidden = true;
    } else if (error.trouble === "signed-out") say(language.say("trouble.signed-out"), true);
    else if (link.hidden) say(language.say(error.trouble === "paused" ? "trouble.paused" : "trouble.unreachable"), false);
  };
  const fail = (error: unknown): void => {
    if (error instanceof RequestError && error.trouble === "signed-out") return pause(error);
    say(language.say(error instanceof RequestError && error.trouble === "missing" ? "trouble.missing" : "state.error"), false);
  };
  const cutShort = (error: unknown): void => {
    if (error instanceof RequestError && error.trouble === "signed-out") return pause(error);
    say(language.say("trouble.rest"), false);
    short = true;
  };
  const whole = (): void => {
    if (short) element.hidden = true;
    short = false;
  };
  const clear = (): void => {
    link.hidden = true;
    element.hidden = true;
  };
  return { element, pause, fail, cutShort, whole, clear };
}
