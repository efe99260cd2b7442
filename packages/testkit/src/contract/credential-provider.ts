import { describe, it } from "vitest";
import { abortCases } from "./credential/abort.ts";
import type { CredentialCase, CredentialProviderSubject, CredentialWorld } from "./credential/case.ts";
import { failureCases } from "./credential/failure.ts";
import { lifeCases } from "./credential/life.ts";
import { refusalCases } from "./credential/refusal.ts";
import { resourceCases } from "./credential/resource.ts";
import { secrecyCases } from "./credential/secrecy.ts";
import { sharingCases } from "./credential/sharing.ts";

/**
 * Tests that a credential provider keeps every promise of `CredentialProvider`, one vitest case for each.
 *
 * @example
 * credentialProviderContract({
 *   name: "fromEcr",
 *   own: [{ registry: "123456789012.dkr.ecr.eu-west-1.amazonaws.com" }],
 *   foreign: [{ registry: "public.ecr.aws" }],
 *   life: 12 * 60 * 60_000,
 *   open: () => openFakeAws(),
 * });
 */
export function credentialProviderContract(subject: CredentialProviderSubject): void {
  const groups = groupsFor(subject);
  const titles = new Set(Object.values(groups).flatMap((cases) => cases.map(({ title }) => title)));
  describe(`credential provider contract: ${subject.name}`, () => {
    it("skips only cases that exist, each with a reason", () => {
      for (const [title, reason] of Object.entries(subject.skips ?? {})) {
        if (!titles.has(title)) throw new Error(`there is no case "${title}"`);
        if (reason.trim() === "") throw new Error(`no reason to skip "${title}"`);
      }
    });
    for (const [group, cases] of Object.entries(groups)) {
      describe(group, () => {
        for (const each of cases) defineCase(each, subject);
      });
    }
  });
}

function groupsFor(subject: CredentialProviderSubject): Readonly<Record<string, readonly CredentialCase[]>> {
  return {
    "whose a resource is": resourceCases(subject),
    failing: failureCases,
    aborting: abortCases,
    sharing: sharingCases,
    ...(subject.life === undefined ? {} : { expiring: lifeCases }),
    "being refused": refusalCases,
    secrecy: secrecyCases,
  };
}

function defineCase(each: CredentialCase, subject: CredentialProviderSubject): void {
  it(each.title, async (test) => {
    const reason = new Map(Object.entries(subject.skips ?? {})).get(each.title);
    if (reason !== undefined) return test.skip(reason);
    const worlds: CredentialWorld[] = [];
    const open = async (): Promise<CredentialWorld> => {
      const world = await subject.open();
      worlds.push(world);
      return world;
    };
    try {
      await each.run({ subject, open, world: await open() });
    } finally {
      for (const world of worlds) await world.close?.();
    }
  });
}
