import {
  isIndexType,
  isManifestType,
  type Digest,
  type StoredManifest,
  type Tag,
  type TagRecord,
} from "@drayage/oci";
import { isArtifactType, type ChildFacts, type ManifestFacts } from "./facts.ts";
import type { InventoryTag, ManifestRecord } from "./inventory.ts";

/** What is known of one manifest so far. */
export interface Item {
  readonly digest: Digest;
  mediaType?: string | undefined;
  artifactType?: string | undefined;
  /** The platform that an index gives for it, as a list of one. */
  platforms?: readonly string[] | undefined;
  /** What it says itself, once it was read. */
  facts?: ManifestFacts | undefined;
  /** It was asked for, and could not be read or is not there. */
  failure?: "unreadable" | "absent" | undefined;
  /** What a list of referrers says that it refers to. */
  subject?: Digest | undefined;
  pushed?: number | undefined;
  created?: number | undefined;
  pulled?: number | "never" | undefined;
  imageSize?: number | undefined;
  /** Whether an index lists it, a tag points to it or it was found as a referrer: nothing that is left over. */
  isTied: boolean;
}

/** The manifests and tags of one repository, while they are found. */
export interface Stock {
  readonly items: ReadonlyMap<Digest, Item>;
  readonly tags: ReadonlyMap<Tag, InventoryTag>;
  addTag(record: Pick<TagRecord, "tag" | "digest"> & Partial<TagRecord>): void;
  addStored(manifest: StoredManifest): void;
  /** What an index lists, or what refers to `subject`. */
  addTied(found: ChildFacts, subject?: Digest): Item;
  manifests(): readonly ManifestRecord[];
}

export function createStock(): Stock {
  const items = new Map<Digest, Item>();
  const tags = new Map<Tag, InventoryTag>();
  const lists = new Map<string, readonly string[]>();
  const itemAt = (digest: Digest): Item => {
    const item = items.get(digest) ?? createItem(digest);
    items.set(digest, item);
    return item;
  };
  /** One list for all of a platform: there are few platforms, and many manifests. */
  const listOf = (platform: string): readonly string[] => {
    const list = lists.get(platform) ?? [platform];
    lists.set(platform, list);
    return list;
  };
  return {
    items,
    tags,
    addTag({ tag, digest, mediaType, pushed, pulled }) {
      tags.set(tag, { name: tag, digest, pushed });
      const item = itemAt(digest);
      item.isTied = true;
      item.mediaType ??= mediaType;
      item.pulled = latest(item.pulled, pulled);
    },
    addStored({ digest, tags: names, ...stored }) {
      const item = itemAt(digest);
      item.mediaType ??= stored.mediaType;
      item.artifactType ??= stored.artifactType;
      item.imageSize ??= stored.imageSize;
      item.pushed ??= stored.pushed;
      item.created ??= stored.created;
      item.pulled = latest(item.pulled, stored.pulled);
      if (names.length > 0) item.isTied = true;
      for (const { name, pushed, immutable } of names) tags.set(name, { name, digest, pushed, immutable });
    },
    addTied({ digest, mediaType, artifactType, platform }, subject) {
      const item = itemAt(digest);
      item.isTied = true;
      item.mediaType ??= mediaType;
      item.artifactType ??= artifactType;
      item.platforms ??= platform === undefined ? undefined : listOf(platform);
      item.subject ??= subject;
      return item;
    },
    manifests: () => [...items.values()].filter(({ failure }) => failure !== "absent").map(recordOf),
  };
}

/** All that most items ever have is there from the start, so that they are small. */
function createItem(digest: Digest): Item {
  return {
    digest,
    mediaType: undefined,
    artifactType: undefined,
    platforms: undefined,
    facts: undefined,
    failure: undefined,
    subject: undefined,
    isTied: false,
  };
}

/** Whether only reading it tells what it needs: it is an index, or may be one. */
export function isOpen({ mediaType, facts, failure }: Item): boolean {
  if (facts !== undefined || failure !== undefined) return false;
  return mediaType === undefined || isIndexType(mediaType) || !isManifestType(mediaType);
}

function recordOf(item: Item): ManifestRecord {
  const { digest, facts, pushed, pulled, imageSize, failure } = item;
  const { created: own, children } = facts ?? {};
  return {
    digest,
    kind: kindOf(item),
    children: children?.map((child) => child.digest),
    subject: facts?.subject ?? item.subject,
    created: own === undefined || own === "unknown" ? item.created : own,
    pushed,
    pulled,
    unreadable: failure === "unreadable" ? true : undefined,
    annotations: facts?.annotations,
    platforms: platformsOf(item),
    size: imageSize ?? (facts?.kind === "index" ? undefined : facts?.size),
  };
}

function kindOf({ facts, failure, mediaType, artifactType }: Item): ManifestRecord["kind"] {
  if (failure === "unreadable") return "unknown";
  if (facts !== undefined) return facts.kind;
  if (mediaType !== undefined && isIndexType(mediaType)) return "index";
  return isArtifactType(artifactType) ? "artifact" : "image";
}

function platformsOf({ facts, platforms }: Item): readonly string[] | undefined {
  const listed = facts?.children?.flatMap((child) => child.platform ?? []) ?? [];
  return listed.length > 0 ? [...new Set(listed)] : platforms;
}

function latest(a: Item["pulled"], b: Item["pulled"]): Item["pulled"] {
  if (typeof a === "number" && typeof b === "number") return Math.max(a, b);
  return typeof a === "number" ? a : (b ?? a);
}
