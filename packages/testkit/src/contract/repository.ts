import { randomUUID } from "node:crypto";
import type { Registry } from "@drayage/oci";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fullTraits, type RepositoryContext, type RepositoryTraits } from "./case.ts";
import { repositoryCases } from "./cases.ts";
import { problemWithSkips, reasonToSkip } from "./skip.ts";

/** A registry that the contract is held against. */
export interface RepositorySubject {
  readonly name: string;
  /** Called once; `close` when all cases are done. */
  open(): Promise<OpenedSubject>;
  /** Where the subject differs from what the interfaces promise in full; cases it cannot keep are not asked of it. */
  readonly traits?: Partial<RepositoryTraits> | undefined;
  /** By title, the cases the subject does not pass, and why. */
  readonly skips?: Readonly<Record<string, string>> | undefined;
}

export interface OpenedSubject {
  readonly registry: Registry;
  /** The registry through which content gets into `registry`, where that cannot be written to itself. */
  readonly origin?: Registry | undefined;
  close?(): Promise<void>;
}

/**
 * Tests that a registry keeps every promise of the interfaces in `@drayage/oci`, one vitest case for each.
 *
 * @example
 * repositoryContract({ name: "MemoryRegistry", open: async () => ({ registry: new MemoryRegistry() }) });
 */
export function repositoryContract(subject: RepositorySubject): void {
  const traits = { ...fullTraits, ...subject.traits };
  const { skips = {} } = subject;
  const run = randomUUID().slice(0, 8);
  describe(`repository contract: ${subject.name}`, () => {
    let opened: OpenedSubject | undefined;
    beforeAll(async () => {
      opened = await subject.open();
    });
    afterAll(() => opened?.close?.());

    it("skips only cases that exist, each with a reason", () => {
      expect(problemWithSkips(skips)).toBeUndefined();
    });

    describe.each(Object.entries(repositoryCases))("%s", (_group, cases) => {
      for (const each of cases) {
        const reason = reasonToSkip(each, traits, skips);
        it(each.title, async (test) => {
          if (reason !== undefined) return test.skip(reason);
          if (opened === undefined) throw new Error(`${subject.name} did not open`);
          await each.run(contextOf(opened, { run, number: allCases.indexOf(each), traits }));
        });
      }
    });
  });
}

const allCases = Object.values(repositoryCases).flat();

/** What case `number` is given: names that neither another case nor an earlier run has used. */
export function contextOf(
  { registry, origin = registry }: OpenedSubject,
  {
    run,
    number,
    traits,
  }: { readonly run: string; readonly number: number; readonly traits: RepositoryTraits },
): RepositoryContext {
  const name = `contract-${run}/case-${number}`;
  const pair = (full: string) => ({ repository: registry.repository(full), origin: origin.repository(full) });
  return { ...pair(name), registry, traits, seed: number + 1, sibling: (label) => pair(`${name}-${label}`) };
}
