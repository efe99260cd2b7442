import { defineConfig } from "vitest/config";
import { reporters } from "../reporters.ts";

// Apart from the other tests, since these need `pnpm build`, the tools in `.ci` and the package registry.
export default defineConfig({
  test: {
    name: "packed",
    include: ["*.test.ts"],
    reporters: reporters(),
    hookTimeout: 300_000,
    testTimeout: 120_000,
  },
});
