import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { annotationsOf, parseDescriptor } from "./descriptor.ts";

const digest = `sha256:${"a".repeat(64)}`;
const plain = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest, size: 10 };
const codeOf = (value: unknown): unknown => {
  try {
    return parseDescriptor(value);
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
};

describe("parseDescriptor", () => {
  it("reads everything that image-spec descriptor.md names, and drops the rest", () => {
    const value = {
      ...plain,
      urls: ["https://example.com/layer"],
      annotations: { "org.example": "x" },
      data: "eA==",
      artifactType: "application/x",
      platform: { os: "linux", architecture: "arm64", variant: "v8" },
    };
    expect(parseDescriptor({ ...value, extra: 1 })).toEqual(value);
  });

  it("has no property that was not there", () => {
    expect(Object.keys(parseDescriptor(plain))).toEqual(["mediaType", "digest", "size"]);
  });

  it.each([
    ["null", null],
    ["a list", [plain]],
    ["text", "x"],
    ["no media type", { ...plain, mediaType: undefined }],
    ["a media type with parameters", { ...plain, mediaType: "text/plain; charset=utf-8" }],
    ["a media type that forges a header", { ...plain, mediaType: "text/plain\r\nx: y" }],
    ["no digest", { ...plain, digest: undefined }],
    ["a digest that is a path (CVE-2024-3727)", { ...plain, digest: "sha256:../../x" }],
    ["no size", { ...plain, size: undefined }],
    ["a size in text", { ...plain, size: "10" }],
    ["a platform that is text", { ...plain, platform: "linux" }],
    ["annotations that are a list", { ...plain, annotations: ["a"] }],
    ["an annotation that is not text", { ...plain, annotations: { a: { b: "c" } } }],
  ])("refuses %s with MANIFEST_INVALID", (_what, value) => {
    expect(codeOf(value)).toBe("MANIFEST_INVALID");
  });

  it.each([-1, -0.5, 1.5, 2 ** 53, Number.POSITIVE_INFINITY, Number.NaN])(
    "refuses a size of %d (C12, GHSA-f36w-mj3v-6jqv)",
    (size) => {
      expect(codeOf({ ...plain, size })).toBe("MANIFEST_INVALID");
    },
  );

  it("takes every size that is exact", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (size) => {
        expect(parseDescriptor({ ...plain, size }).size).toBe(size);
      }),
    );
  });

  it("refuses a size that JSON cannot hold exactly (C12)", () => {
    expect(codeOf(JSON.parse(`{"mediaType":"a/b","digest":"${digest}","size":9007199254740993}`))).toBe(
      "MANIFEST_INVALID",
    );
  });

  it("says which descriptor is wrong, and with what", () => {
    expect(() => parseDescriptor({ ...plain, size: -1 }, "layers[3]")).toThrow("layers[3] has no valid size");
  });

  it("does not find properties on a prototype (C21)", () => {
    expect(codeOf(Object.create(plain))).toBe("MANIFEST_INVALID");
  });

  it("takes null for absent where Go writes it", () => {
    expect(parseDescriptor({ ...plain, annotations: null, platform: null, urls: null })).toEqual(plain);
  });
});

describe("annotations", () => {
  it("keep __proto__ a key like any other, and pollute nothing (C21)", () => {
    const value: unknown = JSON.parse(
      `{"mediaType":"a/b","digest":"${digest}","size":1,"annotations":{"__proto__":"x","constructor":"y"}}`,
    );
    const { annotations } = parseDescriptor(value);
    expect(Object.entries(annotations ?? {})).toEqual([
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
    expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
  });

  it("have nothing that was not put there", () => {
    expect(annotationsOf([])["toString"]).toBeUndefined();
  });
});
