import type { Tool } from "./gestures";
import type { Command } from "./toolbar";

export interface Keyboard {
  step(by: number): void;
  end(last: boolean): void;
  series(by: number): void;
  preset(index: number): void;
  tool(tool: Tool): void;
  command(command: Command): void;
  zoom(factor: number): void;
  deleteLast(): void;
  otherPane(): void;
}

const TOOLS: Readonly<Record<string, Tool>> = { w: "window", z: "zoom", p: "pan", s: "scroll", l: "length" };

const COMMANDS: Readonly<Record<string, Command>> = { i: "invert", r: "reset", f: "fit", b: "priors", y: "sync", q: "lock", "?": "help", " ": "play" };

const STEPS: Readonly<Record<string, number>> = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1, PageUp: -10, PageDown: 10 };

/** One listener for all keys; it keeps out of dialogs, lists and text, and leaves Space and Enter to the button in focus. */
export function listenToKeys(keyboard: Keyboard): void {
  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (document.documentElement.hasAttribute("data-covered")) return;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest("dialog, select, input, textarea")) return;
    if (event.key === " " && target.closest("button, a")) return;
    if (answer(event.key, keyboard)) event.preventDefault();
  });
}

function answer(key: string, keyboard: Keyboard): boolean {
  const letter = key.length === 1 ? key.toLowerCase() : key;
  if (letter in STEPS) keyboard.step(STEPS[letter]!);
  else if (letter === "Home" || letter === "End") keyboard.end(letter === "End");
  else if (/^[1-6]$/.test(letter)) keyboard.preset(Number(letter) - 1);
  else if (letter in TOOLS) keyboard.tool(TOOLS[letter]!);
  else if (letter in COMMANDS) keyboard.command(COMMANDS[letter]!);
  else if (letter === "[" || letter === "]") keyboard.series(letter === "[" ? -1 : 1);
  else if (letter === "+" || letter === "=" || letter === "-") keyboard.zoom(letter === "-" ? 1 / 1.25 : 1.25);
  else if (letter === "Delete" || letter === "Backspace") keyboard.deleteLast();
  else if (letter === "x") keyboard.otherPane();
  else return false;
  return true;
}
