import type { Language } from "../text/text";
import { el } from "./dom";
import { lengthText, type Lengths } from "./lengths";

/** The list of measurements in words, each with a button that takes it away; it hides while there is none. */
export function makeMeasurements(language: Language): { element: HTMLElement; update(lengths: Lengths): void } {
  const list = el("ul", { "data-measurements": "", "aria-live": "polite" });
  const element = el("section", { class: "measurements", hidden: true }, el("h2", { text: language.say("measure.heading") }), list);
  const update = (lengths: Lengths): void => {
    element.hidden = lengths.all().length === 0;
    list.replaceChildren(
      ...lengths.all().map((length) => {
        const label = language.say("measure.length", { value: lengthText(length, language) });
        const remove = el("button", {
          type: "button",
          class: "quiet",
          "aria-label": language.say("measure.delete", { label }),
          title: language.say("action.delete"),
          text: "×",
          on: { click: () => lengths.remove(length) },
        });
        return el("li", { "data-frame-key": length.key }, el("span", { text: label }), remove);
      }),
    );
  };
  return { element, update };
}
