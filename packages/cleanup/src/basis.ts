import { createDigester, type Digest } from "@drayage/oci";
import type { Inventory, InventoryTag, ManifestRecord } from "./inventory.ts";
import type { CleanupPolicy } from "./policy.ts";

/** A digest over all that a plan rests on; the order in which things were listed makes no difference. */
export function basisOf(inventory: Inventory, policy: CleanupPolicy, now: number): Digest {
  const digester = createDigester();
  const encoder = new TextEncoder();
  const add = (line: string): unknown => digester.update(encoder.encode(`${line}\n`));
  const { repository, complete, capabilities, inUse } = inventory;
  add(JSON.stringify([now, repository, complete, capabilities.untag, inUse.toSorted()]));
  add(canonicalJson(policy));
  for (const line of inventory.manifests.map(manifestLine).sort()) add(line);
  for (const line of inventory.tags.map(tagLine).sort()) add(line);
  return digester.digest();
}

/** The JSON of `value` with the keys of every object in order, so that equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function manifestLine(record: ManifestRecord): string {
  const { digest, kind, children, subject, created, pushed, pulled, unreadable, annotations } = record;
  const { platforms, size } = record;
  const notes = annotations === undefined ? undefined : canonicalJson(annotations);
  const facts = [
    digest,
    kind,
    children,
    subject,
    created,
    pushed,
    pulled,
    unreadable,
    notes,
    platforms,
    size,
  ];
  return JSON.stringify(facts);
}

function tagLine({ name, digest, pushed, immutable }: InventoryTag): string {
  return JSON.stringify([name, digest, pushed, immutable]);
}
