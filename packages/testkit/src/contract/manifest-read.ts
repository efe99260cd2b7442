import {
  createManifestDocument,
  documentOf,
  mediaType,
  parseJson,
  parseObject,
  type Descriptor,
  type Digest,
  type JsonObject,
} from "@drayage/oci";
import { expect } from "vitest";
import { createArtifact } from "../fixture/artifact.ts";
import { createBlob } from "../fixture/blob.ts";
import { createIndex } from "../fixture/image-index.ts";
import { createImage, json, type Fixture } from "../fixture/image.ts";
import { pushImage } from "../fixture/push.ts";
import type { RepositoryCase, RepositoryContext } from "./case.ts";
import { expectBytes, expectCode } from "./expect.ts";

const twoImages = (mediaTypes: "oci" | "docker"): readonly Fixture[] => [
  createImage({ mediaTypes }),
  createImage({ mediaTypes, platform: "linux/arm64", seed: 1 }),
];

/** One manifest of every kind that registries carry. */
const kinds: Readonly<Record<string, () => Fixture>> = {
  "an OCI image manifest": () => createImage({ layers: 2 }),
  "a Docker image manifest": () => createImage({ layers: 2, mediaTypes: "docker" }),
  "an OCI image index": () => createIndex({ manifests: twoImages("oci") }),
  "a Docker manifest list": () => createIndex({ manifests: twoImages("docker"), mediaTypes: "docker" }),
  "an index of an index": () => createIndex({ manifests: [createIndex({ manifests: twoImages("oci") })] }),
  "an index without manifests": () => createIndex({ manifests: [] }),
  "an artifact with the empty configuration": () =>
    createArtifact({ artifactType: "application/vnd.example+json" }),
  "an artifact with a configuration of unknown type": () =>
    createArtifact({
      artifactType: "application/vnd.example+json",
      config: createBlob(json({ any: "thing" }), { mediaType: "application/vnd.example.config+json" }),
    }),
};

const kindCases: readonly RepositoryCase[] = Object.entries(kinds).map(([kind, make]) => ({
  title: `${kind} keeps its bytes and its media type`,
  run: async ({ origin, repository }) => {
    const fixture = make();
    await pushImage(origin, fixture, { tags: ["latest"] });
    await expectReadable({ repository, at: "latest", fixture });
    await expectReadable({ repository, at: fixture.document.descriptor.digest, fixture });
  },
}));

export const manifestReadCases: readonly RepositoryCase[] = [
  ...kindCases,
  {
    title: "a manifest is kept byte for byte, unusual white space and order of properties included",
    run: async ({ origin, repository }) => {
      const image = createImage();
      await pushImage(origin, image);
      const fields = Object.entries(parsedJson(image.document.bytes)).reverse();
      const text = `\n${JSON.stringify(Object.fromEntries(fields), null, "\t ")}\r\n`;
      const document = documentOf(new TextEncoder().encode(text), mediaType.ociManifest);
      await origin.putManifest(document, { tags: ["spaced"] });
      expectBytes((await repository.getManifest("spaced")).bytes, document.bytes);
    },
  },
  {
    title: "properties that the image-spec does not know are kept",
    run: async ({ origin, repository }) => {
      const image = createImage();
      await pushImage(origin, image);
      const document = createManifestDocument({
        ...parsedJson(image.document.bytes),
        mediaType: mediaType.ociManifest,
        "com.example.extra": { nested: [1, null, "x"] },
      });
      await origin.putManifest(document);
      expectBytes((await repository.getManifest(document.descriptor.digest)).bytes, document.bytes);
    },
  },
  {
    title: "a manifest without a mediaType property keeps the media type it came with",
    run: async ({ origin, repository }) => {
      const image = createImage();
      await pushImage(origin, image);
      const { mediaType: _dropped, ...rest } = parsedJson(image.document.bytes);
      const document = documentOf(json(rest), mediaType.ociManifest);
      await origin.putManifest(document, { tags: ["untyped"] });
      const found = await repository.getManifest("untyped");
      expect(found.descriptor).toMatchObject(document.descriptor);
    },
  },
  {
    title: "a manifest of 3 MiB can be carried",
    run: async ({ origin, repository }) => {
      const image = createImage({ annotations: { large: "x".repeat(3 * 1024 * 1024) } });
      await pushImage(origin, image, { tags: ["large"] });
      expectBytes((await repository.getManifest("large")).bytes, image.document.bytes);
    },
  },
  {
    title: "headManifest of a tag that does not exist is undefined",
    run: async ({ origin, repository }) => {
      await pushImage(origin, createImage(), { tags: ["v1"] });
      expect(await repository.headManifest("v2")).toBeUndefined();
    },
  },
  {
    title: "headManifest of a digest that does not exist is undefined",
    run: async ({ origin, repository }) => {
      await pushImage(origin, createImage());
      expect(await repository.headManifest(absentDigest())).toBeUndefined();
    },
  },
  {
    title: "headManifest in a repository without content is undefined",
    run: async ({ repository }) => {
      expect(await repository.headManifest("latest")).toBeUndefined();
      expect(await repository.headManifest(absentDigest())).toBeUndefined();
    },
  },
  {
    title: "getManifest of a tag that does not exist throws MANIFEST_UNKNOWN",
    run: async ({ origin, repository }) => {
      await pushImage(origin, createImage(), { tags: ["v1"] });
      await expectCode(repository.getManifest("v2"), "MANIFEST_UNKNOWN");
    },
  },
  {
    title: "getManifest of a digest that does not exist throws MANIFEST_UNKNOWN",
    run: async ({ origin, repository }) => {
      await pushImage(origin, createImage());
      await expectCode(repository.getManifest(absentDigest()), "MANIFEST_UNKNOWN");
    },
  },
  {
    title: "getManifest in a repository without content throws",
    run: async ({ repository, traits }) => {
      await expectCode(repository.getManifest("latest"), traits.unknownRepository);
    },
  },
  {
    title: "getManifest with ifNoneMatch throws NOT_MODIFIED while the tag is where it was",
    run: async ({ origin, repository }) => {
      const { digest } = await pushImage(origin, createImage(), { tags: ["v1"] });
      await expectCode(repository.getManifest("v1", { ifNoneMatch: digest }), "NOT_MODIFIED");
    },
  },
  {
    title: "getManifest with ifNoneMatch gives the manifest once the tag has moved",
    run: async ({ origin, repository }) => {
      const { digest } = await pushImage(origin, createImage(), { tags: ["v1"] });
      const moved = await pushImage(origin, createImage({ seed: 1 }), { tags: ["v1"] });
      const found = await repository.getManifest("v1", { ifNoneMatch: digest });
      expect(found.descriptor.digest).toBe(moved.digest);
    },
  },
  {
    title: "a manifest of one repository is not in another",
    run: async ({ origin, sibling }) => {
      const { digest } = await pushImage(origin, createImage(), { tags: ["v1"] });
      const other = sibling("other");
      await pushImage(other.origin, createImage({ seed: 1 }));
      expect(await other.repository.headManifest(digest)).toBeUndefined();
      expect(await other.repository.headManifest("v1")).toBeUndefined();
    },
  },
  {
    title: "a blob is not a manifest",
    run: async ({ origin, repository }) => {
      const image = createImage();
      await pushImage(origin, image);
      await expectCode(repository.getManifest(image.config.descriptor.digest), "MANIFEST_UNKNOWN");
    },
  },
];

async function expectReadable({
  repository,
  at,
  fixture,
}: Pick<RepositoryContext, "repository"> & {
  readonly at: string;
  readonly fixture: Fixture;
}): Promise<void> {
  const { mediaType: type, digest, size } = fixture.document.descriptor;
  const expected: Descriptor = { mediaType: type, digest, size };
  const { bytes, descriptor } = await repository.getManifest(at);
  expectBytes(bytes, fixture.document.bytes);
  expect(descriptor).toMatchObject(expected);
  expect(await repository.headManifest(at)).toMatchObject(expected);
}

function absentDigest(): Digest {
  return createBlob({ size: 32, seed: 404 }).descriptor.digest;
}

function parsedJson(bytes: Uint8Array): JsonObject {
  return parseObject(parseJson(bytes, "MANIFEST_INVALID")) ?? {};
}
