import { el } from "../ui/dom";

/**
 * Takes the whole page off the document and puts words in its place. What was taken is kept as loose nodes, so that
 * everything typed or laid out comes back as it was; a stylesheet alone would leave it there to be read.
 */
export class Screen {
  private taken: Node[] | undefined;
  private title = "";

  covered(): boolean {
    return this.taken !== undefined;
  }

  /** Shows these words alone. */
  cover(...words: HTMLElement[]): void {
    if (this.taken === undefined) {
      document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
      this.taken = [...document.body.childNodes];
      this.title = document.title;
      document.documentElement.setAttribute("data-covered", "");
    }
    document.title = "Custos";
    document.body.replaceChildren(el("main", { class: "page narrow covered" }, ...words));
  }

  uncover(): void {
    if (this.taken === undefined) return;
    document.body.replaceChildren(...this.taken);
    document.title = this.title;
    document.documentElement.removeAttribute("data-covered");
    this.taken = undefined;
  }

  /** Lets go of what was taken, for good. */
  forget(): void {
    if (this.taken !== undefined) this.taken = [];
  }
}
