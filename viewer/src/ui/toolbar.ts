import type { Preset } from "../dicom/window";
import type { Key, Language } from "../text/text";
import { el, write } from "./dom";
import type { Tool } from "./gestures";
import { icon, type Icon } from "./icons";

export type Command = "fit" | "invert" | "reset" | "priors" | "sync" | "help" | "play" | "lock";

export interface ToolbarState {
  readonly tool: Tool;
  readonly inverted: boolean;
  readonly synced: boolean;
  /** Whether both panes look the same way. */
  readonly syncable: boolean;
  readonly presets: readonly Preset[];
  readonly preset: Preset | undefined;
  readonly panes: number;
  readonly playing: boolean;
  /** How many images there are to play. */
  readonly count: number;
  readonly speed: number;
}

export interface Toolbar {
  readonly element: HTMLElement;
  update(state: ToolbarState): void;
}

interface Handlers {
  tool(tool: Tool): void;
  command(command: Command): void;
  preset(preset: Preset): void;
  speed(speed: number): void;
}

const TOOLS: readonly (readonly [Tool, string])[] = [
  ["window", "w"],
  ["zoom", "z"],
  ["pan", "p"],
  ["scroll", "s"],
  ["length", "l"],
];

const SPEEDS = [1, 2, 5, 7.5, 10, 15, 20, 25, 30, 60];

/** The bar of tools over the images: what dragging does, how the image looks, and what stands beside it. */
export function makeToolbar(language: Language, heading: string, link: boolean, handlers: Handlers): Toolbar {
  const tools = new Map(TOOLS.map(([tool, key]) => [tool, toolButton(tool, key, language, () => handlers.tool(tool))]));
  const command = (name: Command, key: string, picture: Icon = name as Icon): HTMLButtonElement =>
    button(language.say(`action.${name}` as Key), key, picture, { "data-command": name }, () => handlers.command(name));
  const presets = el("select", { class: "presets", "aria-label": language.say("action.presets") });
  const speed = el("select", { class: "speed", "aria-label": language.say("action.speed") });
  const play = command("play", "Space");
  const commands = { fit: command("fit", "f"), invert: command("invert", "i"), reset: command("reset", "r"), sync: command("sync", "y"), priors: command("priors", "b"), help: command("help", "?"), lock: command("lock", "q") };
  let choices: readonly Preset[] = [];
  presets.addEventListener("change", () => handlers.preset(choices[presets.selectedIndex - 1]!));
  speed.addEventListener("change", () => handlers.speed(Number(speed.value)));
  const element = el(
    "div",
    { class: "toolbar" },
    el("h1", { text: heading }),
    el("div", { class: "group tools", role: "group", "aria-label": language.say("tool.group") }, ...tools.values()),
    el("div", { class: "group" }, presets, commands.invert, commands.fit, commands.reset),
    el("div", { class: "group cine" }, play, speed),
    el("div", { class: "group end" }, commands.sync, commands.priors, commands.help, commands.lock),
  );
  // A shared link shows one study, and has no second factor by which it could be unlocked.
  commands.priors.hidden = commands.lock.hidden = link;
  const update = (state: ToolbarState): void => {
    for (const [tool, one] of tools) one.setAttribute("aria-pressed", String(tool === state.tool));
    commands.invert.setAttribute("aria-pressed", String(state.inverted));
    commands.sync.setAttribute("aria-pressed", String(state.synced));
    commands.sync.hidden = state.panes < 2;
    commands.sync.disabled = !state.syncable;
    play.parentElement!.hidden = state.count < 2;
    updatePlay(play, state.playing, language);
    fill(speed, [...new Set([...SPEEDS, state.speed])].sort((a, b) => a - b).map((rate) => [String(rate), `${language.number(rate, 1)}/s`]), String(state.speed));
    choices = state.presets;
    const names = choices.map((preset, index): [string, string] => [String(index), `${index + 1} ${presetText(preset, language)}`]);
    const chosen = choices.findIndex((preset) => preset.name === state.preset?.name && preset.label === state.preset.label);
    fill(presets, [["", language.say("action.presets")], ...names], chosen < 0 ? "" : String(chosen));
    presets.disabled = choices.length === 0;
  };
  return { element, update };
}

const presetText = (preset: Preset, language: Language): string =>
  preset.name === "own" ? (preset.label ?? "") : language.say(`preset.${preset.name}`);

const toolButton = (tool: Tool, key: string, language: Language, press: () => void): HTMLButtonElement =>
  button(language.say(`tool.${tool}`), key, tool, { "data-tool": tool }, press);

function button(name: string, key: string, picture: Icon, attributes: Record<string, string>, press: () => void): HTMLButtonElement {
  const words = el("span", { class: "name", text: name });
  const made = el("button", { type: "button", title: `${name} (${key})`, "aria-label": name, "aria-keyshortcuts": key, ...attributes, on: { click: press } });
  made.append(icon(picture), words);
  return made;
}

function updatePlay(play: HTMLButtonElement, playing: boolean, language: Language): void {
  const name = language.say(playing ? "action.pause" : "action.play");
  if (play.getAttribute("aria-label") === name) return;
  play.setAttribute("aria-label", name);
  play.title = `${name} (Space)`;
  play.querySelector("svg")!.replaceWith(icon(playing ? "pause" : "play"));
  write(play.querySelector(".name")!, name);
}

/** Options are made anew only when they differ, so that an open list does not close under the reader's hand. */
function fill(select: HTMLSelectElement, options: readonly (readonly [value: string, text: string])[], chosen: string): void {
  const signature = JSON.stringify(options);
  if (select.dataset.options !== signature) {
    select.dataset.options = signature;
    select.replaceChildren(...options.map(([value, text]) => el("option", { value, text })));
  }
  select.value = chosen;
}
