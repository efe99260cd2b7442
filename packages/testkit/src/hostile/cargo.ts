import { createArtifact } from "../fixture/artifact.ts";
import { createBlob } from "../fixture/blob.ts";
import { createIndex } from "../fixture/image-index.ts";
import { createImage, type Fixture } from "../fixture/image.ts";
import type { ScriptRule } from "../scripted/rule.ts";

/** What a client is asked to copy while things go wrong. */
export type CargoKind = "image" | "index with referrers";

export interface Cargo {
  /** What is tagged. */
  readonly root: Fixture;
  /** What refers to it, or to anything in it. */
  readonly referrers: readonly Fixture[];
}

/** The larger layer is long enough to be cut in the middle. */
const layers = [{ size: 2_500_000 }, { size: 3000, seed: 1 }];

export function createCargo(kind: CargoKind): Cargo {
  const image = createImage({ layers });
  if (kind === "image") return { root: image, referrers: [] };
  const small = createImage({ platform: "linux/arm64", layers: [{ size: 4000, seed: 2 }] });
  const root = createIndex({ manifests: [image, small] });
  const referrers = [root, small].map(({ document }, seed) =>
    createArtifact({
      artifactType: "application/spdx+json",
      blobs: [createBlob({ size: 5000, seed: 3 + seed })],
      subject: document.descriptor,
    }),
  );
  return { root, referrers };
}

/** Everything in `cargo`, in no order. */
export function fixturesIn({ root, referrers }: Cargo): readonly Fixture[] {
  const all = [root, ...referrers];
  for (const { manifests } of all) all.push(...manifests);
  return all;
}

/**
 * `rule` for each blob and manifest of an index, where it is for one request of an image's copy.
 *
 * What makes something else of an answer lets time pass or ends tokens, which is about all requests at once; and a
 * chunk has no name by which the next one could be told from it.
 */
export function spread(rule: ScriptRule): ScriptRule {
  const isAboutOne = rule.nth !== undefined && rule.per === undefined && rule.change === undefined;
  return isAboutOne && rule.method !== "PATCH" ? { ...rule, nth: 1, per: "blob" } : rule;
}
