import { defineConfig } from "rolldown";

/** What every command that speaks to a registry needs; the rest is loaded by the few that use it. */
const inside = new Set([
  "@drayage/client",
  "@drayage/copy",
  "@drayage/credentials-docker",
  "@drayage/layout",
  "@drayage/oci",
]);

// Node takes about half a millisecond to find and load a module: of the 200 ms of CPU time that it took to start
// `drayage copy`, 70 went into 175 small files of ours (test/bench/copy-speed.ts).
export default defineConfig({
  input: "dist/bin.js",
  platform: "node",
  external: (id) => /^[^./]/.test(id) && !inside.has(id),
  output: { dir: "bundle", cleanDir: true },
});
