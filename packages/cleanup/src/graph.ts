import { OciError, type Digest } from "@drayage/oci";
import {
  subjectOfTag,
  type Inventory,
  type InventoryTag,
  type ManifestRecord,
} from "./inventory/inventory.ts";

/** A manifest and all that is tied to it. */
export interface ManifestNode {
  readonly record: ManifestRecord;
  children: ManifestNode[];
  parents: ManifestNode[];
  /** What it is a referrer of, if that is here. */
  subject: ManifestNode | undefined;
  referrers: ManifestNode[];
  /** Tags that point to it. */
  tags: TagNode[];
  /** Tags whose name makes them its signatures, attestations and so on, its alias not among them. */
  linked: TagNode[];
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
  const manifests = records.map(createNode);
  const byDigest = new Map<Digest, ManifestNode>();
  for (const node of manifests) byDigest.set(node.record.digest, node);
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

/** Stands for every list that has nothing in it, as most have; {@link append} never writes to it. */
const none: never[] = [];

function append<Entry>(list: Entry[], entry: Entry): Entry[] {
  if (list.length === 0) return [entry];
  list.push(entry);
  return list;
}

function createNode(record: ManifestRecord): ManifestNode {
  const ties = {
    children: none,
    parents: none,
    subject: undefined,
    referrers: none,
    tags: none,
    linked: none,
  };
  return { record, ...ties };
}

function connect(node: ManifestNode, byDigest: ReadonlyMap<Digest, ManifestNode>): void {
  const { children, subject } = node.record;
  for (const digest of children ?? none) {
    const child = byDigest.get(digest);
    // An index may list the same manifest twice.
    if (child === undefined || child.parents.at(-1) === node) continue;
    node.children = append(node.children, child);
    child.parents = append(child.parents, node);
  }
  if (subject === undefined) return;
  node.subject = byDigest.get(subject);
  if (node.subject !== undefined) node.subject.referrers = append(node.subject.referrers, node);
}

function createTag(tag: InventoryTag, byDigest: ReadonlyMap<Digest, ManifestNode>): TagNode {
  const linkedTo = subjectOfTag(tag.name);
  const subject = linkedTo === undefined ? undefined : byDigest.get(linkedTo);
  const target = byDigest.get(tag.digest);
  const isAlias = linkedTo === tag.digest;
  const node: TagNode = { tag, target, linkedTo, subject, isAlias };
  if (target !== undefined) target.tags = append(target.tags, node);
  if (subject !== undefined && !isAlias) subject.linked = append(subject.linked, node);
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
  if (a < b) return -1;
  return a > b ? 1 : 0;
}
