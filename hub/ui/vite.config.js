/** Builds every face of the hub into dist/: the portal, the service worker, later the console. */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join, relative } from "node:path";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

const HERE = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const DIST = join(HERE, "dist");

// The console joins by one line here: console: join(HERE, "console/index.html")
const FACES = { portal: join(HERE, "index.html"), sw: join(HERE, "sw.js") };

/** The scanner's wasm is cached on first use instead: 1 MB that desk users never need. */
const LEFT_OUT = /\.wasm$|^sw\.js$|^console\//;

/** Writes the list of shell files (name, content hash) into sw.js, which precaches them. */
function listShell() {
  return {
    name: "list-shell",
    apply: "build",
    writeBundle() {
      const files = readdirSync(DIST, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(DIST, join(entry.parentPath ?? entry.path, entry.name)))
        .filter((name) => !LEFT_OUT.test(name))
        .sort();
      const shell = files.map((name) => ({
        url: `/${name}`,
        revision: name.startsWith("assets/") ? null : digest(join(DIST, name)),
      }));
      const worker = join(DIST, "sw.js");
      writeFileSync(worker, readFileSync(worker, "utf8").replace("self.__SHELL__", JSON.stringify(shell)));
    },
  };
}

function digest(path) {
  return createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 16);
}

export default defineConfig({
  root: HERE,
  plugins: [vue(), listShell()],
  build: {
    outDir: DIST,
    target: "es2022",
    // An inlined asset is a data: URL, which the CSP does not allow to be fetched.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: FACES,
      output: { entryFileNames: (chunk) => (chunk.name === "sw" ? "sw.js" : "assets/[name]-[hash].js") },
    },
  },
  server: { proxy: { "/api": process.env.HUB_ADDRESS ?? "http://127.0.0.1:8000" } },
});
