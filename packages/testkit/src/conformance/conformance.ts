import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, it } from "vitest";
import { blobCases } from "./blobs.ts";
import type { ConformanceCase } from "./case.ts";
import { listCases } from "./lists.ts";
import { manifestCases } from "./manifests.ts";
import { emptyCases, refusalCases } from "./refusals.ts";
import { uploadCases } from "./uploads.ts";
import { createWire, type Wire } from "./wire.ts";

/** A registry that is held against the distribution-spec. */
export interface ConformanceSubject {
  readonly name: string;
  /** Called once; `close` when all cases are done. */
  open(): Promise<OpenedConformance>;
}

export interface OpenedConformance {
  /** Such as `http://127.0.0.1:5000`; of several instances over one storage each gets every other request. */
  readonly urls: readonly string[];
  close?(): Promise<void>;
}

const cases: Readonly<Record<string, readonly ConformanceCase[]>> = {
  "an empty repository": emptyCases,
  uploads: uploadCases,
  blobs: blobCases,
  manifests: manifestCases,
  lists: listCases,
  refusals: refusalCases,
};

/**
 * Tests that a registry does over HTTP what the distribution-spec asks, with all that is optional in it.
 *
 * The cases are those of the specification's own conformance suite, in profile `dev` and with deletes, and what
 * that suite leaves out: lists in pages, refusals by their codes, limits. Nothing can be skipped.
 *
 * @see https://github.com/opencontainers/distribution-spec/tree/main/conformance
 * @example
 * conformanceContract({
 *   name: "a registry in memory",
 *   async open() {
 *     const server = await listen(createHandler(createRegistry(createMemoryDriver())));
 *     return { urls: [server.url], close: () => server.close() };
 *   },
 * });
 */
export function conformanceContract(subject: ConformanceSubject): void {
  const all = Object.values(cases).flat();
  const run = randomUUID().slice(0, 8);
  let passed = 0;
  describe(`conformance: ${subject.name}`, () => {
    let opened: OpenedConformance | undefined;
    let wire: Wire | undefined;
    beforeAll(async () => {
      opened = await subject.open();
      wire = createWire(opened.urls);
    });
    afterAll(async () => {
      await opened?.close?.();
      process.stdout.write(
        `conformance of ${subject.name}: ${passed} of ${all.length} cases, none skipped\n`,
      );
    });

    describe.each(Object.entries(cases))("%s", (_group, group) => {
      for (const each of group) {
        it(each.title, async () => {
          if (wire === undefined) throw new Error(`${subject.name} did not open`);
          const number = all.indexOf(each);
          const name = `conformance-${run}/case-${number}`;
          await each.run({ wire, name, other: `${name}-other`, seed: number + 1 });
          passed++;
        });
      }
    });
  });
}
