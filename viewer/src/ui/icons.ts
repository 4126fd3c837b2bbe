import { svg } from "./dom";

/** Line drawings on a field of 24 by 24. */
const PATHS = {
  window: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  zoom: "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13M15.5 15.5 21 21M10.5 7.5v6M7.5 10.5h6",
  pan: "M12 3v18M3 12h18M12 3 9 6M12 3l3 3M12 21l-3-3M12 21l3-3M3 12l3-3M3 12l3 3M21 12l-3-3M21 12l-3 3",
  scroll: "M5 8h14v11H5zM7 5h10M9 2.5h6",
  length: "M4 20 20 4M4 20l1-4M4 20l4-1M20 4l-1 4M20 4l-4 1M9 12l2.5 2.5M12 9l2.5 2.5",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  invert: "M4 4h16v16H4zM4 20 20 4v16z",
  reset: "M4 5v5h5M4.5 10a8 8 0 1 1-.4 4",
  sync: "M7 4v16M7 20l-3-3M7 20l3-3M17 20V4M17 4l-3 3M17 4l3 3",
  priors: "M3 5h8v14H3zM13 5h8v14h-8z",
  help: "M3 7h18v11H3zM6 10h1M9.5 10h1M13 10h1M16.5 10h1M7 14.5h10",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  play: "M7 4.5 20 12 7 19.5z",
  pause: "M8 5v14M16 5v14",
} as const;

export type Icon = keyof typeof PATHS;

/** The drawing for a button; its name is on the button, so that it is hidden from readers of the screen. */
export function icon(name: Icon): SVGSVGElement {
  const drawing = svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" });
  drawing.append(svg("path", { d: PATHS[name] }));
  return drawing;
}
