import { describe, expect, it } from "vitest";
import {
  isIndexType,
  isManifestType,
  isMediaType,
  isNonDistributable,
  manifestMediaTypes,
  mediaType,
  parseContentType,
} from "./media-type.ts";

describe("manifestMediaTypes", () => {
  it("are those of manifests and indexes, each one or the other", () => {
    expect(manifestMediaTypes.every((type) => isIndexType(type) !== isManifestType(type))).toBe(true);
    expect(manifestMediaTypes).toHaveLength(4);
    expect(isIndexType(mediaType.ociConfig) || isManifestType(mediaType.ociConfig)).toBe(false);
  });
});

describe("isNonDistributable", () => {
  it.each([
    ["application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", true],
    ["application/vnd.oci.image.layer.nondistributable.v1.tar", true],
    ["application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", true],
    [mediaType.ociLayerGzip, false],
    [mediaType.dockerLayerGzip, false],
  ])("of %s is %s", (type, expected) => {
    expect(isNonDistributable(type)).toBe(expected);
  });
});

describe("parseContentType", () => {
  it.each([
    ["application/json", "application/json"],
    ["Application/JSON; charset=utf-8", "application/json"],
    ["  text/plain ;a=b;c=d", "text/plain"],
    ["", undefined],
    [";charset=utf-8", undefined],
    [undefined, undefined],
  ])("of %j is %j", (header, expected) => {
    expect(parseContentType(header)).toBe(expected);
  });
});

describe("isMediaType", () => {
  it.each([
    ...Object.values(mediaType),
    "a/b",
    `${"a".repeat(127)}/${"b".repeat(127)}`,
    "application/vnd.example.x-y_z+json",
  ])("accepts %s", (text) => {
    expect(isMediaType(text)).toBe(true);
  });

  it.each([
    "",
    "a",
    "/b",
    "a/",
    "a/b/c",
    "a/b;c=d",
    "a b/c",
    "a/b\n",
    "ä/b",
    `a/${"b".repeat(128)}`,
    `${"a".repeat(128)}/b`,
  ])("refuses %j", (text) => {
    expect(isMediaType(text)).toBe(false);
  });
});
