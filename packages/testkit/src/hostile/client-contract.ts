import { digestMatches, isDigest, isOciError } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { bytesOfBlob } from "../fixture/blob.ts";
import type { Fixture } from "../fixture/image.ts";
import { fixturesIn, type CargoKind } from "./cargo.ts";
import type { Fault } from "./fault.ts";
import { faults } from "./faults.ts";
import { openWorld, type HostileWorld } from "./world.ts";

/** A client that can copy an image from one registry to another. */
export interface ClientSubject {
  readonly name: string;
  /** Called for every fault; the client must find hosts with the world's `lookup`, and log in with its `logins`. */
  open(world: HostileWorld): OpenedClient | Promise<OpenedClient>;
  /** What it copies: an image unless told. With an index each fault befalls every blob and manifest once. */
  readonly copies?: CargoKind | undefined;
  /** By title, the faults that the client does not survive, and why. */
  readonly skips?: Readonly<Record<string, string>> | undefined;
}

export interface OpenedClient {
  /**
   * Copies what `from` names, such as `source.test:5000/app:v1`, with all that is in it and all that refers to it;
   * rejects if it cannot.
   */
  copy(from: string, to: string): Promise<unknown>;
  /** What the client has let out, events and logs, in which no password may be. */
  readonly shown?: readonly unknown[] | undefined;
  close?(): Promise<void>;
}

/**
 * Tests that a client copies an image or an index completely and rightly whatever one of its registries does, or else fails
 * and leaves nothing: one vitest case for each of {@link faults}.
 *
 * After each case no password may be anywhere but at the registry that it is for, the error and what the client has
 * shown included.
 *
 * @example clientContract({ name: "my client", open: (world) => openMyClient(world) })
 */
export function clientContract(subject: ClientSubject): void {
  const { name, copies = "image", skips = {} } = subject;
  describe(`client contract: ${name}, ${copies}`, { concurrent: true, timeout: 20_000 }, () => {
    it("skips only faults that exist", () => {
      const titles = faults.map(({ title }) => title);
      expect(Object.keys(skips).filter((title) => !titles.includes(title))).toEqual([]);
    });

    it.for(faults.map((fault) => [fault.title, fault] as const))("%s", async ([title, fault], test) => {
      const reason = Object.hasOwn(skips, title) ? skips[title] : undefined;
      if (reason !== undefined) return test.skip(reason);
      await using world = await openWorld(fault, copies);
      const client = await subject.open(world);
      try {
        const error = await failureOf(client, world);
        await expectOutcome(world, fault, error);
        expect(world.leaks([error, client, ...(client.shown ?? [])])).toEqual([]);
      } finally {
        await client.close?.();
      }
    });
  });
}

async function failureOf(client: OpenedClient, { source, target }: HostileWorld): Promise<unknown> {
  try {
    await client.copy(`${source.host()}/app:v1`, `${target.host()}/app:v1`);
    return undefined;
  } catch (error) {
    return error ?? new Error("rejected with nothing");
  }
}

async function expectOutcome(world: HostileWorld, fault: Fault, error: unknown): Promise<void> {
  expect(unusedRules(world), "rules that decided over no request").toEqual([]);
  expect(await outcomeOf(world, fault, error)).toEqual(fault.refusal ?? "complete");
  expect(everythingIsRight(world)).toBe(true);
  expect(fault.problem?.(world)).toBeUndefined();
}

/** A fault that did not happen proves nothing. */
function unusedRules({ source, target, rules }: HostileWorld): readonly unknown[] {
  const used = new Set([...source.ledger, ...target.ledger].map(({ rule }) => rule));
  return rules.filter((rule) => !used.has(rule));
}

/** "complete", the code of a refusal that left nothing, or what else came of it. */
async function outcomeOf(world: HostileWorld, { refusal }: Fault, error: unknown): Promise<unknown> {
  if (error === undefined) return (await isComplete(world)) ? "complete" : "incomplete";
  if (world.target.content.repository("app").tags.has("v1")) return "published what it refused";
  if (refusal === undefined || isOciError(error)) return isOciError(error) ? error.code : error;
  return refusal; // by a client with other errors than ours
}

async function isComplete({ cargo, target }: HostileWorld): Promise<boolean> {
  const { tags } = target.content.repository("app");
  if (tags.get("v1") !== cargo.root.document.descriptor.digest) return false;
  for (const fixture of fixturesIn(cargo)) if (!(await isThere(fixture, target))) return false;
  return true;
}

async function isThere(
  { document, blobs }: Fixture,
  { content }: Pick<HostileWorld["target"], "content">,
): Promise<boolean> {
  const there = content.repository("app");
  const stored = Buffer.from(there.manifests.get(document.descriptor.digest)?.bytes ?? []);
  if (!stored.equals(document.bytes)) return false;
  for (const blob of blobs) {
    const bytes = Buffer.from(there.blobs.get(blob.descriptor.digest) ?? []);
    if (!bytes.equals(await bytesOfBlob(blob))) return false;
  }
  return true;
}

/** Whether all that the target has is what its name says. */
function everythingIsRight({ target }: HostileWorld): boolean {
  const { manifests, blobs } = target.content.repository("app");
  const all = [...blobs, ...[...manifests].map(([digest, { bytes }]) => [digest, bytes] as const)];
  return all.every(([digest, bytes]) => isDigest(digest) && digestMatches(digest, bytes));
}
