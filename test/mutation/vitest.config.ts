import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Of the copy of the workspace whose sources have been changed. */
const root = fileURLToPath(new URL("../..", import.meta.url));

/** The quick tests beside the code come first: whatever they catch need not be sent over the wire. */
class BesideFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isBeside = ({ moduleId }: TestSpecification): boolean => moduleId.startsWith(`${root}packages/`);
    return [...files.filter(isBeside), ...files.filter((file) => !isBeside(file))];
  }
}

// One project, as Stryker wants it, of the tests that speak for the files that it changes.
export default defineConfig({
  root,
  // The links in `node_modules` lead to the sources as they are.
  resolve: { alias: [{ find: /^@drayage\/([a-z-]+)$/, replacement: `${root}packages/$1/src/index.ts` }] },
  ssr: { resolve: { conditions: ["@drayage/source", "node", "development|production"] } },
  test: {
    include: [
      "packages/client/src/auth/*.test.ts",
      "packages/client/src/http/{address,dial,proxy,redirect,retry,retry.layer,tls,url}.test.ts",
      "packages/oci/src/{bytes,bytes.observed,digest}.test.ts",
      "test/src/security/{redirects,tokens,transport}.test.ts",
    ],
    sequence: { sequencer: BesideFirst },
    testTimeout: 15_000,
    hookTimeout: 15_000,
  },
});
