import { defineConfig } from "vitest/config";
import { reporters } from "./test/reporters.ts";

export default defineConfig({
  // Workspace packages are tested from their TypeScript sources, so tests need no build.
  // "module" is left out: it makes Vite hand Node the bundler-only builds of some dependencies.
  ssr: { resolve: { conditions: ["@drayage/source", "node", "development|production"] } },
  test: {
    reporters: reporters(),
    // Real processes, on machines that do other things too: a hang is found, slowness is not a failure.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 15_000 } },
    projects: [
      // These two run on every supported line of Node, the third on the pinned one only.
      { extends: true, test: { name: "unit", include: ["packages/*/src/**/*.test.ts"] } },
      { extends: true, test: { name: "contract", include: ["test/contract/**/*.test.ts"] } },
      { extends: true, test: { name: "integration", include: ["test/src/**/*.test.ts"] } },
    ],
  },
});
