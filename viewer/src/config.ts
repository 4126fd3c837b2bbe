/** What the page tells the viewer, by attributes of its root element. */
export interface Config {
  readonly study: string;
  readonly dicomweb: string;
  readonly priors: string;
  readonly heading: string;
  readonly language: string;
  readonly token: string;
  /** Where what was laid out here waits; empty where nothing does. */
  readonly desk: string;
  /** Whether the reader came by a shared link, which shows this study alone and has no lock. */
  readonly link: boolean;
  /** `cpu` or `webgl` overrules the choice of the renderer; for tests. */
  readonly renderer: string | null;
  displayedUrl(study: string): string;
}

/** Reads the attributes; throws when the study is not named, because then there is nothing to show. */
export function configOf(root: HTMLElement): Config {
  const { study, dicomweb = "/dicom-web", priors = "", displayed = "", heading = "", desk = "", link = "" } = root.dataset;
  if (!study) throw new Error("the page names no study");
  return {
    study,
    dicomweb: dicomweb.replace(/\/$/, ""),
    priors,
    heading,
    desk,
    link: link !== "",
    language: root.lang || document.documentElement.lang || "en",
    token: document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "",
    renderer: new URLSearchParams(location.search).get("renderer"),
    displayedUrl: (other) => displayed.replace(study, other),
  };
}
