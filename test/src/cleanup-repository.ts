import type { Digest, Repository } from "@drayage/oci";
import { createArtifact, createImage, createIndex, pushImage, type Fixture } from "@drayage/testkit";

const signature = (artifactType: string, subject?: Fixture): Fixture =>
  createArtifact({ artifactType, subject: subject?.document.descriptor });
const linkedTag = ({ document }: Fixture, suffix = ""): string =>
  `${document.descriptor.digest.replace(":", "-")}${suffix}`;

const shared = createImage({ seed: 1, layers: 2 });
const old = createImage({ seed: 2, platform: "linux/arm64" });
const platforms = createIndex({ manifests: [shared, createImage({ seed: 3, platform: "linux/arm64" })] });
const nested = createIndex({ manifests: [platforms, createImage({ seed: 4, platform: "linux/s390x" })] });
const condemned = createIndex({ manifests: [shared, old] });
const condemnedNest = createIndex({ manifests: [condemned, platforms] });
const docker = createImage({ seed: 5, mediaTypes: "docker" });
const leftover = createImage({ seed: 6 });

/** A policy that takes what pull requests have left. */
export const policyText = `
protect: { tags: [latest] }
rules:
  - { name: pull-requests, delete: { tags: 'pr-*' } }
limits: { maxDeleteRatio: 0.9 }
`;

/** What a policy that deletes `pr-*` deletes of {@link fillRepository}, tags with their manifests. */
export const goingTags: readonly string[] = ["pr-1", "pr-2", "pr-3", linkedTag(condemned, ".sig")];
/** Tags that stay. */
export const keptTags: readonly string[] = ["latest", "v1", "v2", "v1-docker", linkedTag(nested, ".sig")];
/** What is needed by nothing that stays. */
export const goingManifests: readonly Digest[] = [
  condemned,
  condemnedNest,
  old,
  signature("test/gone", condemned),
].map(({ document }) => document.descriptor.digest);
/** Signatures of what stays, and what nobody has tagged. */
export const keptManifests: readonly Digest[] = [
  signature("test/kept", platforms),
  signature("test/shared", shared),
  leftover,
].map(({ document }) => document.descriptor.digest);

/**
 * Puts into `repository` what is hard to clean up: indexes in indexes, images that several of them share, tags of one
 * digest of which some go, signatures in all three forms and untagged leftovers.
 */
export async function fillRepository(repository: Repository): Promise<void> {
  await pushImage(repository, nested, { tags: ["v1", "latest"] });
  await pushImage(repository, platforms, { tags: ["v2"] });
  await pushImage(repository, docker, { tags: ["v1-docker"] });
  await pushImage(repository, condemned, { tags: ["pr-1"] });
  await pushImage(repository, condemnedNest, { tags: ["pr-2", "pr-3"] });
  await pushImage(repository, leftover);
  await pushImage(repository, signature("test/kept", platforms));
  await pushImage(repository, signature("test/shared", shared));
  await pushImage(repository, signature("test/gone", condemned));
  for (const image of [nested, condemned]) {
    const { config: _config, ...artifact } = createImage({ seed: image === nested ? 7 : 8 });
    await pushImage(repository, artifact, { tags: [linkedTag(image, ".sig")] });
  }
}
