import { compareVersions, type TagMatch, type Version } from "@drayage/select";
import type { TagNode } from "./graph.ts";
import type { MatchTag, Moment } from "./match.ts";
import type { GroupKey, KeepSelector } from "./policy.ts";
import { newest } from "./times.ts";

/** All matched tags of one image. */
interface Image {
  readonly tags: TagNode[];
  readonly versions: Version[];
}

/** An image with what it is ranked by. */
interface Ranked {
  readonly tags: readonly TagNode[];
  readonly time: number | undefined;
  readonly version: Version | undefined;
  /** The greatest of its matched tags. */
  readonly name: string;
}

/**
 * The tags of the newest images of each group among `tags` that match.
 *
 * Images are counted, however many tags they have; those of unknown time stay too and take no place.
 */
export function newestTags(
  tags: readonly TagNode[],
  keep: KeepSelector & { readonly newest: number },
  { match, moment }: { readonly match: MatchTag; readonly moment: Moment },
): ReadonlySet<TagNode> {
  const kept = new Set<TagNode>();
  for (const images of groupsOf(tags, keep, match).values()) {
    const ranked = [...images.values()].map((image) => rank(image, moment));
    const chosen = keep.order === "semver" ? highest(ranked, keep.newest) : latest(ranked, keep.newest);
    for (const image of chosen) for (const tag of image.tags) kept.add(tag);
  }
  return kept;
}

function groupsOf(
  tags: readonly TagNode[],
  keep: KeepSelector,
  match: MatchTag,
): ReadonlyMap<string, ReadonlyMap<string, Image>> {
  const groups = new Map<string, Map<string, Image>>();
  for (const tag of tags) {
    const found = match(tag);
    const group = found === undefined ? undefined : groupOf(found, keep);
    if (found === undefined || group === undefined) continue;
    const images = groups.get(group) ?? new Map<string, Image>();
    groups.set(group, images);
    const image = images.get(tag.tag.digest) ?? { tags: [], versions: [] };
    images.set(tag.tag.digest, image);
    image.tags.push(tag);
    if (found.version !== undefined) image.versions.push(found.version);
  }
  return groups;
}

/** The group of a match, or `undefined` if it has no place in any. */
function groupOf(found: TagMatch, { groupBy = [], order }: KeepSelector): string | undefined {
  if (order === "semver" && found.version === undefined) return undefined;
  const values = groupBy.map((key) => valueOf(found, key));
  return values.includes(undefined) ? undefined : JSON.stringify(values);
}

function valueOf({ version, groups }: TagMatch, key: GroupKey): string | undefined {
  if (key === "semver.major") return version && `${version.major}`;
  if (key === "semver.minor") return version && `${version.major}.${version.minor}`;
  return groups.get(key.slice("regex.".length));
}

function rank({ tags, versions }: Image, { times, sources }: Moment): Ranked {
  const names = tags.map(({ tag }) => tag.name);
  return {
    tags,
    time: newest(tags.map((tag) => times.ofTag(tag, sources))),
    version: versions.toSorted(compareVersions).at(-1),
    name: names.reduce((a, b) => (a > b ? a : b)),
  };
}

function latest(images: readonly Ranked[], count: number): readonly Ranked[] {
  const timeless = images.filter(({ time }) => time === undefined);
  const timed = images.filter(({ time }) => time !== undefined).sort(byTime);
  return [...timeless, ...timed.slice(0, count)];
}

function highest(images: readonly Ranked[], count: number): readonly Ranked[] {
  const byVersion = (a: Ranked, b: Ranked): number => {
    const order =
      a.version === undefined || b.version === undefined ? 0 : compareVersions(b.version, a.version);
    return order === 0 ? byName(a, b) : order;
  };
  return images.toSorted(byVersion).slice(0, count);
}

function byTime(a: Ranked, b: Ranked): number {
  const order = (b.time ?? 0) - (a.time ?? 0);
  return order === 0 ? byName(a, b) : order;
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  if (a.name === b.name) return 0;
  return a.name > b.name ? -1 : 1;
}
