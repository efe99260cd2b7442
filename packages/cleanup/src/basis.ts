import { createDigester, type Digest } from "@drayage/oci";
import type { Graph } from "./graph.ts";
import type { Inventory, InventoryTag, ManifestRecord } from "./inventory/inventory.ts";
import type { CleanupPolicy } from "./policy.ts";

/** How many lines are hashed at once. */
const batch = 1000;

/** A digest over all that a plan rests on; `graph` has it in an order that is always the same. */
export function basisOf(
  inventory: Inventory,
  policy: CleanupPolicy,
  { graph, now }: { readonly graph: Graph; readonly now: number },
): Digest {
  const digester = createDigester();
  const encoder = new TextEncoder();
  const add = (lines: readonly string[]): unknown => digester.update(encoder.encode(`${lines.join("\n")}\n`));
  const { repository, complete, capabilities, inUse } = inventory;
  const { untag, lastTagTakesManifest = false } = capabilities;
  add([JSON.stringify([now, repository, complete, untag, lastTagTakesManifest, inUse.toSorted()])]);
  add([canonicalJson(policy)]);
  const { manifests, tags } = graph;
  for (let start = 0; start < manifests.length; start += batch) {
    add(manifests.slice(start, start + batch).map(({ record }) => manifestLine(record)));
  }
  for (let start = 0; start < tags.length; start += batch) {
    add(tags.slice(start, start + batch).map(({ tag }) => tagLine(tag)));
  }
  return digester.digest();
}

/** The JSON of `value` with the keys of every object in order, so that equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** Everything in it that is text of others' making is JSON, so that no two records have the same line. */
function manifestLine(record: ManifestRecord): string {
  const { digest, kind, children, subject, created, pushed, pulled, unreadable, size } = record;
  const { annotations, platforms } = record;
  const notes = annotations === undefined ? "" : canonicalJson(annotations);
  const names = platforms === undefined ? "" : JSON.stringify(platforms);
  const ties = `${digest} ${kind} ${children?.join() ?? "-"} ${subject ?? ""}`;
  return [ties, created, pushed, pulled, unreadable, size, names, notes].join(" ");
}

function tagLine({ name, digest, pushed, immutable }: InventoryTag): string {
  return JSON.stringify([name, digest, pushed, immutable]);
}
