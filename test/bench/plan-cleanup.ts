// Time of planning against the time of parsing the JSON of the same manifests: 100,000 manifests, 20,000 tags.
//
//   pnpm build && node test/bench/plan-cleanup.ts
import { parsePolicy, planCleanup, type Inventory, type ManifestRecord } from "@drayage/cleanup";
import { digestOf, type Digest } from "@drayage/oci";
import { judge, median } from "./verdict.ts";

const images = 20_000;
const perImage = 4;
const rounds = 5;
const highestRatio = 3;
const now = Date.parse("2026-06-01T00:00:00Z");
const hour = 3_600_000;

const digestFor = (text: string): Digest => digestOf(new TextEncoder().encode(text));

/** An index of four platforms for each tag, as a repository of daily builds has them. */
function createInventory(): Inventory {
  const manifests: ManifestRecord[] = [];
  const tags: Inventory["tags"][number][] = [];
  for (let image = 0; image < images; image++) {
    const pushed = now - image * hour;
    const children = Array.from({ length: perImage }, (_, index) => digestFor(`${image}/${index}`));
    const digest = digestFor(`${image}`);
    manifests.push({ digest, kind: "index", children, pushed });
    for (const child of children) manifests.push({ digest: child, kind: "image", pushed });
    tags.push({ name: image % 3 === 0 ? `v1.${image}.0` : `pr-${image}`, digest });
  }
  return {
    repository: "team/app",
    complete: true,
    manifests,
    tags,
    inUse: [],
    capabilities: { untag: true },
  };
}

/** The manifest that a registry would have answered with for `record`. */
function manifestText({ digest, children }: ManifestRecord): string {
  const layer = (index: number): unknown => ({
    mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
    digest: digestFor(`${digest}/${index}`),
    size: 12_345_678 + index,
  });
  const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest, size: 7000 };
  const manifest = { mediaType: "application/vnd.oci.image.manifest.v1+json", size: 1500 };
  const content =
    children === undefined
      ? { config, layers: Array.from({ length: 8 }, (_, index) => layer(index)) }
      : { manifests: children.map((child) => ({ ...manifest, digest: child })) };
  return JSON.stringify({ schemaVersion: 2, ...content });
}

function time(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

const inventory = createInventory();
const texts = inventory.manifests.map(manifestText);
const policy = parsePolicy({
  protect: { tags: "v1.0.*" },
  rules: [
    { name: "recent", keep: { tags: "pr-*", newest: 100 } },
    { name: "old", delete: { tags: "pr-*", olderThan: "14d" } },
    { name: "line", keep: { semver: "*", order: "semver", groupBy: ["semver.major"], newest: 50 } },
    { name: "releases", delete: { semver: "*", olderThan: "52w" } },
  ],
  untagged: { olderThan: "7d" },
});
const parsing: number[] = [];
const planning: number[] = [];
for (let round = 0; round < rounds; round++) {
  parsing.push(time(() => texts.map((text): unknown => JSON.parse(text))));
  planning.push(time(() => planCleanup(inventory, policy, { now })));
}
console.log(`${inventory.manifests.length} manifests, ${inventory.tags.length} tags`);
console.log(`parsing ${median(parsing).toFixed(0)} ms, planning ${median(planning).toFixed(0)} ms`);
judge("planning / parsing", median(planning) / median(parsing), { most: highestRatio });
