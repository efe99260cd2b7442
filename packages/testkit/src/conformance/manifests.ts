import { digestOf, isDigest, mediaType, type ManifestDocument } from "@drayage/oci";
import { expect } from "vitest";
import {
  blobPath,
  entriesOf,
  expectContent,
  expectRefusal,
  expectStatus,
  fieldOf,
  headerOf,
  jsonOf,
  manifestPath,
  type ConformanceCase,
  type ConformanceContext,
} from "./case.ts";
import { dataSets, type DataSet, type ExpectedReferrers } from "./data.ts";
import { createWireBlob, expectPushed, pushWithPut } from "./push.ts";
import { pushes } from "./uploads.ts";
import type { WireAnswer } from "./wire.ts";

/** Each set of content, pushed, listed, pulled and deleted as clients do it. */
const dataCases = dataSets(0).map(
  ({ title }, number): ConformanceCase => ({
    title: `${title}: pushed, listed, pulled, deleted`,
    run: async (context) => {
      const set = dataSets(context.seed)[number];
      if (set === undefined) throw new Error(`there is no set ${number}`);
      await pushSet(context, set);
      await expectTags(context, tagsOf(set));
      await expectPulled(context, set);
      await expectReferrers(context, set.referrers ?? []);
      await deleteSet(context, set);
    },
  }),
);

function tagsOf({ tags = {}, tagParameters = [] }: DataSet): readonly string[] {
  return [...Object.keys(tags), ...tagParameters].toSorted();
}

/** Blobs, each by another way, manifests by their digests, and tags last. */
async function pushSet(context: ConformanceContext, set: DataSet): Promise<void> {
  const ways = Object.values(pushes);
  for (const [index, blob] of set.blobs.entries()) {
    const push = ways[index % ways.length] ?? pushWithPut;
    await expectPushed(context, await push(context, blob), blob);
  }
  for (const document of set.manifests) {
    await putManifest(context, document.descriptor.digest, document, set.tagParameters);
  }
  for (const [tag, document] of Object.entries(set.tags ?? {})) await putManifest(context, tag, document);
}

async function putManifest(
  { wire, name }: ConformanceContext,
  reference: string,
  { descriptor, bytes }: ManifestDocument,
  tags: readonly string[] = [],
): Promise<WireAnswer> {
  const query = tags.length === 0 ? "" : `?${tags.map((tag) => `tag=${tag}`).join("&")}`;
  const headers = { "content-type": descriptor.mediaType };
  const answer = await wire("PUT", manifestPath(name, reference) + query, { headers, body: bytes });
  expectStatus(answer, 201);
  const digest = isDigest(reference) ? reference : digestOf(bytes);
  expect(headerOf(answer, "docker-content-digest")).toBe(digest);
  expect(answer.headers["oci-subject"]).toBe(subjectOf(bytes));
  if (tags.length > 0) expect(headerOf(answer, "oci-tag").split(/, */).toSorted()).toEqual(tags);
  await expectContent(wire, headerOf(answer, "location"), { ...descriptor, digest, bytes });
  return answer;
}

function subjectOf(bytes: Uint8Array): unknown {
  return fieldOf(fieldOf(jsonOf(bytes), "subject"), "digest");
}

async function expectTags({ wire, name }: ConformanceContext, tags: readonly string[]): Promise<void> {
  expect(await listTags(wire, name)).toEqual({ name, tags });
  for (const [index, last] of tags.entries()) {
    expect(await listTags(wire, name, `?last=${last}`)).toEqual({ name, tags: tags.slice(index + 1) });
  }
}

async function listTags(wire: ConformanceContext["wire"], name: string, query = ""): Promise<unknown> {
  return jsonOf(expectStatus(await wire("GET", `/v2/${name}/tags/list${query}`), 200).body);
}

async function expectPulled({ wire, name }: ConformanceContext, set: DataSet): Promise<void> {
  for (const { descriptor, bytes } of set.manifests) {
    await expectContent(wire, manifestPath(name, descriptor.digest), { ...descriptor, bytes });
  }
  for (const [tag, { descriptor, bytes }] of Object.entries(set.tags ?? {})) {
    await expectContent(wire, manifestPath(name, tag), { ...descriptor, digest: digestOf(bytes), bytes });
  }
  const [along] = set.manifests;
  for (const tag of set.tagParameters ?? []) {
    // A tag that came with a digest is pulled by that digest, whatever its algorithm.
    if (along !== undefined)
      await expectContent(wire, manifestPath(name, tag), { ...along.descriptor, ...along });
  }
  for (const blob of set.blobs) await expectContent(wire, blobPath(name, blob.digest), blob);
}

async function expectReferrers(
  { wire, name }: ConformanceContext,
  expected: readonly ExpectedReferrers[],
): Promise<void> {
  for (const { subject, entries } of expected) {
    const target = `/v2/${name}/referrers/${subject.digest}`;
    expect(await referrersAt(wire, target)).toEqual(inOrder(entries));
    const artifactTypes = new Set(entries.flatMap(({ artifactType }) => artifactType ?? []));
    for (const artifactType of artifactTypes) {
      const query = `?artifactType=${encodeURIComponent(artifactType)}`;
      const wanted = entries.filter((entry) => entry.artifactType === artifactType);
      expect(await referrersAt(wire, target + query, "artifactType")).toEqual(inOrder(wanted));
    }
  }
}

async function referrersAt(
  wire: ConformanceContext["wire"],
  target: string,
  filters?: string,
): Promise<unknown> {
  const answer = expectStatus(await wire("GET", target), 200);
  expect(headerOf(answer, "content-type")).toBe(mediaType.ociIndex);
  expect(answer.headers["oci-filters-applied"]).toBe(filters);
  const index = jsonOf(answer.body);
  expect(index).toMatchObject({ schemaVersion: 2, mediaType: mediaType.ociIndex });
  return inOrder(entriesOf(index, "manifests"));
}

/** Descriptors by their digests, since a registry may list them in any order. */
function inOrder(entries: readonly unknown[]): readonly unknown[] {
  const key = (entry: unknown): string => String(fieldOf(entry, "digest"));
  return entries.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** Tags, then manifests in reverse, then blobs; each is gone at once. */
async function deleteSet({ wire, name }: ConformanceContext, set: DataSet): Promise<void> {
  const gone = async (target: string): Promise<void> => {
    expectStatus(await wire("DELETE", target), 202);
    expectStatus(await wire("HEAD", target), 404);
    expectStatus(await wire("DELETE", target), 404);
  };
  for (const tag of Object.keys(set.tags ?? {})) await gone(manifestPath(name, tag));
  const digests = new Set(set.manifests.map(({ descriptor }) => descriptor.digest));
  for (const { bytes } of Object.values(set.tags ?? {})) digests.add(digestOf(bytes));
  for (const digest of [...digests].toReversed()) await gone(manifestPath(name, digest));
  // Tags that came along are gone with their manifest.
  for (const tag of set.tagParameters ?? []) expectStatus(await wire("GET", manifestPath(name, tag)), 404);
  for (const { subject } of set.referrers ?? []) {
    expect(await referrersAt(wire, `/v2/${name}/referrers/${subject.digest}`)).toEqual([]);
  }
  for (const { digest } of set.blobs) await gone(blobPath(name, digest));
}

export const manifestCases: readonly ConformanceCase[] = [
  ...dataCases,
  {
    title: "a manifest under the digest of another is 400, and nothing is stored",
    run: async (context) => {
      const { wire, name, seed } = context;
      const [image] = dataSets(seed);
      const [document] = image?.manifests ?? [];
      if (image === undefined || document === undefined) throw new Error("there is no image");
      for (const blob of image.blobs) expectStatus(await pushWithPut(context, blob), 201);
      const { digest, mediaType: type } = document.descriptor;
      const body = Buffer.concat([document.bytes, Buffer.from("  ")]);
      const headers = { "content-type": type };
      const answer = await wire("PUT", manifestPath(name, digest), { headers, body });
      expectRefusal(answer, 400, "DIGEST_INVALID");
      expectStatus(await wire("GET", manifestPath(name, digest)), 404);
      expectStatus(await wire("GET", manifestPath(name, digestOf(body))), 404);
    },
  },
  {
    title: "a manifest whose content is missing is 400, with a reason for each blob",
    run: async ({ wire, name, seed }) => {
      const document = dataSets(seed)[0]?.manifests[0];
      if (document === undefined) throw new Error("there is no image");
      const headers = { "content-type": document.descriptor.mediaType };
      const answer = await wire("PUT", manifestPath(name, "image"), { headers, body: document.bytes });
      expectRefusal(answer, 400, "MANIFEST_BLOB_UNKNOWN");
      expect(entriesOf(jsonOf(answer.body), "errors")).toHaveLength(3);
      expectStatus(await wire("HEAD", manifestPath(name, "image")), 404);
    },
  },
  {
    title: "deleting a manifest takes one tag from the list, the one that it had",
    run: async (context) => {
      const { wire, name, seed } = context;
      const set = dataSets(seed)[0];
      if (set === undefined) throw new Error("there is no image");
      await pushSet(context, set);
      const bare = createWireBlob(Buffer.from(`{"seed":${seed}}`));
      expectStatus(await pushWithPut(context, bare), 201);
      const body = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: mediaType.ociManifest,
          config: { mediaType: mediaType.ociConfig, digest: bare.digest, size: bare.bytes.byteLength },
          layers: [],
        }),
      );
      expectStatus(await wire("PUT", manifestPath(name, "other"), { body }), 201);
      await expectTags(context, ["image", "other"]);
      expectStatus(await wire("DELETE", manifestPath(name, digestOf(body))), 202);
      await expectTags(context, ["image"]);
    },
  },
];
