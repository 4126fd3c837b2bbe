import { defineConfig } from "vitest/config";

const here = (path: string): string => new URL(path, import.meta.url).pathname;

/** Only the entry script and the style sheet keep their names: the page refers to those two, everything else is found through them. */
const styleOrHashed = (asset: { names: readonly string[] }): string =>
  asset.names.some((name) => name.endsWith(".css")) ? "main.css" : "assets/[name]-[hash][extname]";

export default defineConfig({
  base: "/static/viewer/",
  resolve: {
    // One of vtk.js's dependencies expects Node's event emitter; the browser gets the package of the same name.
    alias: { events: here("node_modules/events/events.js") },
  },
  worker: {
    format: "es",
    rolldownOptions: { output: { entryFileNames: "assets/[name]-[hash].js", chunkFileNames: "assets/[name]-[hash].js" } },
  },
  build: {
    outDir: here("../static/viewer"),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 6000,
    rolldownOptions: {
      input: { main: here("src/main.ts"), pages: here("src/pages.ts") },
      output: { entryFileNames: "[name].js", chunkFileNames: "assets/[name]-[hash].js", assetFileNames: styleOrHashed },
    },
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
