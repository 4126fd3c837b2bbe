/**
 * What the server-rendered pages gain where scripts run: fragments by htmx, and lists that stay alive.
 * Every page works without this file too, but for passkeys, beside which there is always a code.
 */
import htmx from "htmx.org";

import { passkeys } from "./pages/passkey";
import { guardPage } from "./guard/guard";
import { watch } from "./pages/poll";
import { ask } from "./pages/return";
import { languageOf } from "./text/text";

Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  includeIndicatorStyles: false,
  selfRequestsOnly: true,
  // The history cache would keep rendered names in the browser's storage.
  historyCacheSize: 0,
  refreshOnHistoryMiss: true,
  // A problem is a whole page: it takes the place of the one that asked.
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "[45]..", swap: true, error: true, target: "body" },
  ],
});

interface Configured {
  headers: Record<string, string>;
}

const csrfToken = (): string => document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";

document.addEventListener("htmx:configRequest", (event) => {
  (event as CustomEvent<Configured>).detail.headers["X-CSRFToken"] = csrfToken();
});

/** A second press would send a second time; the page stays usable when the answer is a download. */
function sendOnce(form: HTMLFormElement): void {
  form.addEventListener("submit", (event) => {
    if (form.dataset["sent"] === "yes") event.preventDefault();
    form.dataset["sent"] = "yes";
    setTimeout(() => delete form.dataset["sent"], 3000);
  });
}

document.querySelectorAll<HTMLFormElement>("form[data-once]").forEach(sendOnce);
guardPage(languageOf(document.documentElement.lang));
watch();
ask();
passkeys();
