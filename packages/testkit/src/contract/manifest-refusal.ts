import { digestOf, documentOf, mediaType, type ManifestDocument } from "@drayage/oci";
import { expect } from "vitest";
import { createImage, json } from "../fixture/image.ts";
import { pushImage } from "../fixture/push.ts";
import type { RepositoryCase } from "./case.ts";
import { expectCode } from "./expect.ts";

const image = createImage();
const { config, layers } = {
  config: image.config.descriptor,
  layers: image.layers.map((blob) => blob.descriptor),
};
const annotations = { not: "the image that is there" };
const whole = { schemaVersion: 2, mediaType: mediaType.ociManifest, config, layers, annotations };

/** Documents that no registry may take for a manifest, all of whose content is there. */
const invalid: Readonly<Record<string, () => ManifestDocument>> = {
  "that is not JSON": () => text("{"),
  "that is not UTF-8": () => documentOf(Uint8Array.of(0x7b, 0xff, 0x7d), mediaType.ociManifest),
  "that is not an object": () => document([whole]),
  "without schemaVersion 2": () => document({ ...whole, schemaVersion: 1 }),
  "without any content": () => document({ schemaVersion: 2, mediaType: mediaType.ociManifest }),
  "that is an index as well (CVE-2021-41190)": () => document({ ...whole, manifests: [] }),
  "that came as an index (GHSA-qq97-vm5h-rrhg)": () => document(whole, mediaType.ociIndex),
  "whose media type says it is an index": () =>
    document({ ...whole, mediaType: mediaType.ociIndex }, mediaType.ociIndex),
  "that names its layers twice (CVE-2021-41190)": () =>
    text(`${JSON.stringify(whole).slice(0, -1)},"layers":[]}`),
  "that names its layers in two spellings": () => text(`${JSON.stringify(whole).slice(0, -1)},"Layers":[]}`),
  "with a size below zero (GHSA-f36w-mj3v-6jqv)": () =>
    document({ ...whole, config: { ...config, size: -1 } }),
  "with a size that is not a whole number": () => document({ ...whole, config: { ...config, size: 1.5 } }),
  "with a digest that is a path (CVE-2024-3727)": () =>
    document({ ...whole, layers: [{ ...config, digest: "sha256:../../x" }] }),
  "with annotations that are not text": () => document({ ...whole, annotations: { a: 1 } }),
};

const invalidCases: readonly RepositoryCase[] = Object.entries(invalid).map(([what, make]) => ({
  title: `a manifest ${what} is refused with MANIFEST_INVALID and not stored`,
  needs: ["write"],
  run: async ({ repository }) => {
    await pushImage(repository, image);
    const refused = make();
    await expectCode(repository.putManifest(refused, { tags: ["v1"] }), "MANIFEST_INVALID");
    expect(await repository.headManifest("v1")).toBeUndefined();
    expect(await repository.headManifest(refused.descriptor.digest)).toBeUndefined();
  },
}));

export const manifestRefusalCases: readonly RepositoryCase[] = [
  ...invalidCases,
  {
    title: "a manifest that is not its digest is refused with DIGEST_MISMATCH and not stored",
    needs: ["write"],
    run: async ({ repository }) => {
      await pushImage(repository, image);
      const digest = digestOf(json("something else"));
      const bytes = json({ ...whole, annotations: { changed: "yes" } });
      const refused = {
        bytes,
        descriptor: { mediaType: mediaType.ociManifest, digest, size: bytes.byteLength },
      };
      await expectCode(repository.putManifest(refused, { tags: ["v1"] }), "DIGEST_MISMATCH");
      expect(await repository.headManifest("v1")).toBeUndefined();
      expect(await repository.headManifest(digest)).toBeUndefined();
      expect(await repository.headManifest(digestOf(bytes))).toBeUndefined();
    },
  },
];

function document(value: unknown, type: string = mediaType.ociManifest): ManifestDocument {
  return documentOf(json(value), type);
}

function text(content: string): ManifestDocument {
  return documentOf(new TextEncoder().encode(content), mediaType.ociManifest);
}
