import { getJson } from "../net/client";
import type { Language } from "../text/text";
import { el } from "./dom";

/** Another study of the same patient, as the server lists it. */
export interface Prior {
  readonly study_uid: string;
  readonly date: string;
  readonly modality: string;
  readonly description: string;
  readonly instances: number;
}

/** A dialog with the patient's other studies; a press opens one beside the present study. The list is asked for when it is first wanted. */
export function makePriors(url: string, language: Language, open: (prior: Prior) => void): { element: HTMLDialogElement; show(): Promise<void> } {
  const list = el("ul", { class: "prior-list", "data-prior-list": "" });
  const close = el("button", { type: "button", text: language.say("action.close"), on: { click: () => element.close() } });
  const element: HTMLDialogElement = el("dialog", { class: "priors", "aria-label": language.say("action.priors") }, el("h2", { text: language.say("action.priors") }), list, close);
  element.addEventListener("click", (event) => {
    if (event.target === element) element.close();
  });
  const choose = (prior: Prior): void => {
    element.close();
    open(prior);
  };
  let known = false;
  const show = async (): Promise<void> => {
    element.showModal();
    if (known) return;
    list.replaceChildren(el("li", { class: "note", text: language.say("pane.loading") }));
    try {
      const priors = await getJson<Prior[]>(url);
      known = true;
      list.replaceChildren(...(priors.length > 0 ? priors.map((prior) => row(prior, language, choose)) : [el("li", { class: "note", text: language.say("priors.none") })]));
      list.querySelector("button")?.focus();
    } catch {
      list.replaceChildren(el("li", { class: "note", text: language.say("priors.failed") }));
    }
  };
  return { element, show };
}

function row(prior: Prior, language: Language, choose: (prior: Prior) => void): HTMLLIElement {
  const count = prior.instances === 1 ? language.say("series.one") : language.say("series.count", { count: prior.instances });
  return el(
    "li",
    {},
    el(
      "button",
      { type: "button", "data-prior": prior.study_uid, title: language.say("priors.open"), on: { click: () => choose(prior) } },
      el("span", { class: "date", text: language.date(prior.date) }),
      el("span", { class: "modality", text: prior.modality }),
      el("span", { class: "description", text: prior.description || language.say("series.unnamed") }),
      el("span", { class: "count", text: count }),
    ),
  );
}
