import { describe, expect, it } from "vitest";
import { digestOf } from "./digest.ts";
import {
  artifactTypeOf,
  childrenOf,
  createManifestDocument,
  documentOf,
  parseManifest,
  referrerOf,
  requiredContent,
} from "./manifest.ts";
import { mediaType } from "./media-type.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const json = (value: unknown): Uint8Array => bytes(JSON.stringify(value));
const descriptor = (fill: string, type: string = mediaType.ociLayerGzip) => ({
  mediaType: type,
  digest: `sha256:${fill.repeat(64)}`,
  size: 10,
});
const config = descriptor("c", mediaType.ociConfig);
const layers = [descriptor("1"), descriptor("2")];
const image = { schemaVersion: 2, mediaType: mediaType.ociManifest, config, layers };
const index = {
  schemaVersion: 2,
  mediaType: mediaType.ociIndex,
  manifests: [descriptor("3", mediaType.ociManifest)],
};
const invalid: unknown = expect.objectContaining({ code: "MANIFEST_INVALID" });

describe("parseManifest", () => {
  it("reads an image manifest", () => {
    const subject = descriptor("4", mediaType.ociManifest);
    const value = { ...image, artifactType: "example/x", subject, annotations: { a: "b" } };
    const { schemaVersion: _version, ...rest } = value;
    expect(parseManifest(json(value))).toEqual({ kind: "manifest", ...rest });
  });

  it("reads an index", () => {
    expect(parseManifest(json(index))).toEqual({
      kind: "index",
      mediaType: mediaType.ociIndex,
      manifests: index.manifests,
    });
  });

  it.each([
    ["Docker's manifest", { ...image, mediaType: mediaType.dockerManifest }, "manifest"],
    ["Docker's manifest list", { ...index, mediaType: mediaType.dockerManifestList }, "index"],
    ["a manifest of unknown type", { ...image, mediaType: "application/vnd.example+json" }, "manifest"],
    ["an index of unknown type", { ...index, mediaType: "application/vnd.example+json" }, "index"],
  ])("tells the kind of %s", (_what, value, kind) => {
    expect(parseManifest(json(value))).toMatchObject({ kind, mediaType: value.mediaType });
  });

  it("takes the type it came with where the document names none", () => {
    const { mediaType: _type, ...untyped } = image;
    expect(parseManifest(json(untyped), mediaType.dockerManifest).mediaType).toBe(mediaType.dockerManifest);
    expect(parseManifest(json(untyped)).mediaType).toBe(mediaType.ociManifest);
    expect(parseManifest(json({ ...untyped, mediaType: "" })).mediaType).toBe(mediaType.ociManifest);
  });

  it.each([
    ["not JSON", bytes("{")],
    ["a list", json([image])],
    ["null", json(null)],
    ["schema version 1", json({ ...image, schemaVersion: 1 })],
    ["a schema version in text", json({ ...image, schemaVersion: "2" })],
    ["both an image and an index (CVE-2021-41190)", json({ ...image, manifests: [] })],
    ["an index with a configuration (CVE-2021-41190)", json({ ...index, config })],
    ["an index with layers (CVE-2021-41190)", json({ ...index, layers })],
    ["neither an image nor an index", json({ schemaVersion: 2, mediaType: mediaType.ociManifest })],
    ["an image that says it is an index", json({ ...image, mediaType: mediaType.ociIndex })],
    ["an index that says it is an image", json({ ...index, mediaType: mediaType.dockerManifest })],
    ["a media type that is no text", json({ ...image, mediaType: 1 })],
    [
      "a media type with a line break, which no header can carry (S21)",
      json({ ...image, mediaType: "a/b\r\nc: d" }),
    ],
    ["a media type in other letters (S21)", json({ ...image, mediaType: "ä/b" })],
    ["layers without a configuration", json({ ...image, config: undefined })],
    ["layers that are an object", json({ ...image, layers: { 0: config } })],
    ["a layer that is null", json({ ...image, layers: [null] })],
    ["a subject that is text", json({ ...image, subject: config.digest })],
    [
      "a doubled mediaType (C20)",
      bytes(`{"mediaType":"${mediaType.ociIndex}",${JSON.stringify(image).slice(1)}`),
    ],
    ["doubled layers (C20)", bytes(`${JSON.stringify(image).slice(0, -1)},"layers":[]}`)],
    ["layers in two spellings (C20)", bytes(`${JSON.stringify(image).slice(0, -1)},"LAYERS":[]}`)],
    ["layers escaped (C20)", bytes(`${JSON.stringify(image).slice(0, -1)},"\\u006cayers":[]}`)],
    ["more than 10,000 layers", json({ ...image, layers: Array.from({ length: 10_001 }, () => config) })],
  ])("refuses %s with MANIFEST_INVALID", (_what, document) => {
    expect(() => parseManifest(document)).toThrow(invalid);
  });

  it.each(["not a type", "a/b, c/d", ""])("refuses what came as %j with MANIFEST_INVALID", (type) => {
    expect(() => parseManifest(json({ ...image, mediaType: undefined }), type)).toThrow(invalid);
  });

  it("refuses a document that says it is something else than it came as (GHSA-qq97-vm5h-rrhg)", () => {
    expect(() => parseManifest(json(image), mediaType.dockerManifest)).toThrow(invalid);
    expect(parseManifest(json(image), mediaType.ociManifest).kind).toBe("manifest");
  });

  it("takes unknown keys that occur twice, since nobody reads them", () => {
    const text = `${JSON.stringify(image).slice(0, -1)},"extra":1,"extra":2}`;
    expect(parseManifest(bytes(text)).kind).toBe("manifest");
  });

  it("takes null for what is absent, as Go writes it", () => {
    const value = { ...image, layers: null, subject: null, annotations: null };
    expect(parseManifest(json(value))).toEqual({
      kind: "manifest",
      mediaType: mediaType.ociManifest,
      config,
      layers: [],
    });
  });

  it("takes nothing from a prototype (C21)", () => {
    const text = `{"schemaVersion":2,"__proto__":{"layers":[],"config":{}}}`;
    expect(() => parseManifest(bytes(text))).toThrow(invalid);
    expect("layers" in {}).toBe(false);
  });
});

describe("documentOf and createManifestDocument", () => {
  it("describe the bytes they hold", () => {
    const document = createManifestDocument(image);
    expect(JSON.parse(new TextDecoder().decode(document.bytes))).toEqual(image);
    expect(document.descriptor).toEqual({
      mediaType: mediaType.ociManifest,
      digest: digestOf(document.bytes),
      size: document.bytes.byteLength,
    });
  });

  it("compute the digest that is asked for", () => {
    const document = documentOf(json(image), mediaType.ociManifest, { algorithm: "sha512" });
    expect(document.descriptor.digest).toBe(digestOf(document.bytes, "sha512"));
  });
});

describe("childrenOf", () => {
  it("of a manifest are its configuration and layers, each once", () => {
    const manifest = parseManifest(json({ ...image, layers: [...layers, layers[0], config] }));
    expect(childrenOf(manifest)).toEqual({ manifests: [], blobs: [config, ...layers] });
  });

  it("of an index are manifests, those of unknown type included", () => {
    const unknown = descriptor("9", "application/vnd.example+json");
    const manifests = [index.manifests[0], unknown, index.manifests[0]];
    expect(childrenOf(parseManifest(json({ ...index, manifests })))).toEqual({
      manifests: [index.manifests[0], unknown],
      blobs: [],
    });
  });

  it.each([
    mediaType.ociLayerGzip,
    mediaType.dockerLayerGzip,
    mediaType.ociConfig,
    mediaType.dockerConfig,
    "application/vnd.buildkit.cacheconfig.v0",
  ])("of an index are blobs where it lists %s, as build caches do", (type) => {
    const blob = descriptor("8", type);
    const { manifests, blobs } = childrenOf(parseManifest(json({ ...index, manifests: [blob] })));
    expect({ manifests, blobs }).toEqual({ manifests: [], blobs: [blob] });
  });

  it("do not contain the subject", () => {
    const manifest = parseManifest(json({ ...image, subject: descriptor("5", mediaType.ociManifest) }));
    expect(childrenOf(manifest).manifests).toEqual([]);
  });
});

describe("requiredContent", () => {
  it("leaves out what is not meant to be distributed, by its type and not by its urls", () => {
    const foreign = descriptor("f", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
    const old = descriptor("e", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip");
    const elsewhere = { ...descriptor("d"), urls: ["https://example.com"] };
    const manifest = parseManifest(json({ ...image, layers: [foreign, old, elsewhere] }));
    expect(requiredContent(manifest).blobs).toEqual([config, elsewhere]);
  });
});

describe("artifactTypeOf and referrerOf", () => {
  it("is what the manifest says, else the type of its configuration", () => {
    expect(artifactTypeOf(parseManifest(json({ ...image, artifactType: "example/x" })))).toBe("example/x");
    expect(artifactTypeOf(parseManifest(json(image)))).toBe(mediaType.ociConfig);
    expect(artifactTypeOf(parseManifest(json({ ...image, artifactType: "" })))).toBe(mediaType.ociConfig);
  });

  it("is nothing for an index that says nothing", () => {
    expect(artifactTypeOf(parseManifest(json(index)))).toBeUndefined();
  });

  it("describe a referrer with its annotations and no platform or data", () => {
    const manifest = parseManifest(json({ ...image, annotations: { a: "b" } }));
    const document = { ...descriptor("7", mediaType.ociManifest), data: "eA==" };
    const { digest, size } = documentOf(json(image), mediaType.ociManifest).descriptor;
    expect(referrerOf(manifest, { ...document, digest, size })).toEqual({
      mediaType: mediaType.ociManifest,
      digest,
      size,
      artifactType: mediaType.ociConfig,
      annotations: { a: "b" },
    });
  });
});
