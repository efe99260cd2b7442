import { OciError, type Digest } from "@drayage/oci";
import { subjectOfTag, type Inventory, type InventoryTag, type ManifestRecord } from "./inventory.ts";

/** A manifest and all that is tied to it. */
export interface ManifestNode {
  readonly record: ManifestRecord;
  readonly children: ManifestNode[];
  readonly parents: ManifestNode[];
  /** What it is a referrer of, if that is here. */
  subject: ManifestNode | undefined;
  readonly referrers: ManifestNode[];
  /** Tags that point to it. */
  readonly tags: TagNode[];
  /** Tags whose name makes them its signatures, attestations and so on, its alias not among them. */
  readonly linked: TagNode[];
}

/** A tag and what it is tied to. */
export interface TagNode {
  readonly tag: InventoryTag;
  /** What it points to, if that is here. */
  readonly target: ManifestNode | undefined;
  /** The digest in its name. */
  readonly linkedTo: Digest | undefined;
  /** The manifest of that digest, if it is here. */
  readonly subject: ManifestNode | undefined;
  /** Whether it points to the very digest in its name. */
  readonly isAlias: boolean;
}

/** A repository as manifests and tags that know each other; always in the same order, however they were listed. */
export interface Graph {
  readonly manifests: readonly ManifestNode[];
  readonly tags: readonly TagNode[];
  readonly byDigest: ReadonlyMap<Digest, ManifestNode>;
}

/** The graph of what is in `inventory`. @throws OciError OPTION_INVALID if anything is in it twice */
export function graphOf(inventory: Pick<Inventory, "manifests" | "tags">): Graph {
  const records = sorted(inventory.manifests, (record) => record.digest);
  const byDigest = new Map(records.map((record) => [record.digest, createNode(record)]));
  const manifests = [...byDigest.values()];
  for (const node of manifests) connect(node, byDigest);
  const tags = sorted(inventory.tags, (tag) => tag.name).map((tag) => createTag(tag, byDigest));
  return { manifests, tags, byDigest };
}

/** Whether a tag is one of those that rules are about. */
export function isNormal(tag: TagNode): boolean {
  return tag.linkedTo === undefined;
}

/** Whether nobody can say what `node` refers to. */
export function isOpaque({ record }: ManifestNode): boolean {
  return record.unreadable === true || record.kind === "unknown";
}

function createNode(record: ManifestRecord): ManifestNode {
  return { record, children: [], parents: [], subject: undefined, referrers: [], tags: [], linked: [] };
}

function connect(node: ManifestNode, byDigest: ReadonlyMap<Digest, ManifestNode>): void {
  for (const digest of node.record.children ?? []) {
    const child = byDigest.get(digest);
    // A child that is listed twice is listed by the same parent last.
    if (child === undefined || child.parents.at(-1) === node) continue;
    node.children.push(child);
    child.parents.push(node);
  }
  if (node.record.subject === undefined) return;
  node.subject = byDigest.get(node.record.subject);
  node.subject?.referrers.push(node);
}

function createTag(tag: InventoryTag, byDigest: ReadonlyMap<Digest, ManifestNode>): TagNode {
  const linkedTo = subjectOfTag(tag.name);
  const subject = linkedTo === undefined ? undefined : byDigest.get(linkedTo);
  const isAlias = linkedTo === tag.digest;
  const node: TagNode = { tag, target: byDigest.get(tag.digest), linkedTo, subject, isAlias };
  node.target?.tags.push(node);
  if (!isAlias) subject?.linked.push(node);
  return node;
}

function sorted<Entry>(list: readonly Entry[], keyOf: (entry: Entry) => string): readonly Entry[] {
  const ordered = list.toSorted((a, b) => compareText(keyOf(a), keyOf(b)));
  ordered.forEach((entry, index) => {
    const next = ordered[index + 1];
    if (next === undefined || keyOf(next) !== keyOf(entry)) return;
    throw new OciError("OPTION_INVALID", `inventory has ${keyOf(entry)} twice`);
  });
  return ordered;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
