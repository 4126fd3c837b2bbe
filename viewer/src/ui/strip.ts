import { isPicture, type Series } from "../study";
import type { Language } from "../text/text";
import { el, write } from "./dom";

export interface Strip {
  readonly element: HTMLElement;
  /** Lists the series of a study under a heading and marks the one that is shown. */
  show(studyUid: string, heading: string, series: readonly Series[], current: string | undefined): void;
}

/** The series of the active pane's study, with previews; a press shows one in that pane. */
export function makeStrip(dicomweb: string, language: Language, open: (series: Series) => void): Strip {
  const title = el("h2", { text: language.say("series.heading") });
  const when = el("p", { class: "strip-study" });
  const list = el("ul", { class: "series" });
  const element = el("nav", { class: "strip", "aria-label": language.say("series.heading") }, el("header", {}, title, when), list);
  let listed = "";
  const show = (studyUid: string, heading: string, series: readonly Series[], current: string | undefined): void => {
    write(when, heading);
    if (listed !== studyUid) {
      listed = studyUid;
      list.replaceChildren(...series.map((one) => entry(one, `${dicomweb}/studies/${studyUid}/series/${one.uid}`, language, open)));
    }
    for (const button of list.querySelectorAll<HTMLButtonElement>("button")) {
      button.setAttribute("aria-current", String(button.dataset.seriesUid === current));
    }
  };
  return { element, show };
}

function entry(series: Series, url: string, language: Language, open: (series: Series) => void): HTMLLIElement {
  const description = series.description || language.say("series.unnamed");
  const count = series.count === 1 ? language.say("series.one") : language.say("series.count", { count: series.count });
  const number = series.number ?? "–";
  const preview = el("span", { class: "preview", "data-modality": series.modality });
  if (isPicture(series)) preview.append(picture(`${url}/thumbnail?accept=image/jpeg`));
  const button = el(
    "button",
    {
      type: "button",
      "data-series-uid": series.uid,
      "aria-label": language.say("series.open", { number, description, modality: series.modality, count }),
      on: { click: () => open(series) },
    },
    preview,
    el(
      "span",
      { class: "words" },
      el("span", { class: "first" }, el("span", { class: "modality", text: series.modality }), ` ${number}`),
      el("span", { class: "description", text: description }),
      el("span", { class: "count", text: isPicture(series) ? count : language.say("series.notImage") }),
    ),
  );
  return el("li", {}, button);
}

/** A preview that does not arrive leaves the modality's letters in its place. */
function picture(source: string): HTMLImageElement {
  const image = el("img", { alt: "", loading: "lazy", decoding: "async", fetchpriority: "low", draggable: "false" });
  image.addEventListener("error", () => image.remove());
  image.src = source;
  return image;
}
