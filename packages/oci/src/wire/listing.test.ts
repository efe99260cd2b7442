import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isOciError } from "../errors.ts";
import { formatCatalogPage, formatTagPage, parseCatalogPage, parseTagPage } from "./listing.ts";

function bytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

const digest = `sha256:${"a".repeat(64)}`;

describe("parseTagPage: end-8 of the distribution-spec", () => {
  test.each([
    ["as specified", { name: "a", tags: ["v1", "v2"] }, { name: "a", tags: ["v1", "v2"], skipped: 0 }],
    ["tags: null", { name: "a", tags: null }, { name: "a", tags: [], skipped: 0 }],
    ["nothing", {}, { tags: [], skipped: 0 }],
    ["a name that is none", { name: 1, tags: ["v1"] }, { tags: ["v1"], skipped: 0 }],
    [
      "names of repositories below",
      { tags: ["v1"], child: ["b", 1, "..", "c"] },
      { tags: ["v1"], skipped: 0, children: ["b", "c"] },
    ],
    [
      "entries that are no tags",
      { tags: ["v1", null, digest, 1, "", "a b", "\u001b]52"] },
      { tags: ["v1"], skipped: 6 },
    ],
  ])("%s", (_shape, body, page) => {
    expect(parseTagPage(bytes(body))).toEqual(page);
  });

  test.each(["", "[]", "null", "<html>", '{"tags":{}}', '{"tags":"v1"}'])(
    "%j breaks the protocol",
    (body) => {
      expect(() => parseTagPage(bytes(body))).toThrow(expect.objectContaining({ code: "RESPONSE_INVALID" }));
    },
  );

  test("Artifact Registry tells digests, types, sizes and times", () => {
    const page = parseTagPage(
      bytes({
        child: [],
        name: "project/repository/image",
        tags: ["v1"],
        manifest: {
          [digest]: {
            imageSizeBytes: "1234",
            layerId: "",
            mediaType: "application/vnd.oci.image.index.v1+json",
            tag: ["v1", null],
            timeCreatedMs: "0",
            timeUploadedMs: "1700000000000",
          },
          "sha256:bad": { tag: ["v2"] },
          __proto__x: null,
        },
      }),
    );
    expect(page.manifests).toEqual([
      {
        digest,
        tags: ["v1"],
        mediaType: "application/vnd.oci.image.index.v1+json",
        imageSize: 1234,
        uploaded: 1_700_000_000_000,
      },
    ]);
  });

  test("what Artifact Registry leaves out or gets wrong is absent", () => {
    const page = parseTagPage(
      bytes({ manifest: { [digest]: { imageSizeBytes: "1e9", timeUploadedMs: -1, tag: "v1" } } }),
    );
    expect(page.manifests).toEqual([{ digest, tags: [] }]);
  });
});

describe("parseCatalogPage", () => {
  test.each([
    [{ repositories: ["a", "b/c"] }, { repositories: ["a", "b/c"], skipped: 0 }],
    [{ repositories: null }, { repositories: [], skipped: 0 }],
    [{ repositories: ["a", null, "../x", "B"] }, { repositories: ["a"], skipped: 3 }],
  ])("%j", (body, page) => {
    expect(parseCatalogPage(bytes(body))).toEqual(page);
  });

  test("a page that is no list breaks the protocol", () => {
    expect(() => parseCatalogPage(bytes({ repositories: {} }))).toThrow(
      expect.objectContaining({ code: "RESPONSE_INVALID" }),
    );
  });
});

test("a list without tags is an array, never null", () => {
  expect(formatTagPage({ name: "a", tags: [] })).toBe('{"name":"a","tags":[]}');
  expect(formatCatalogPage({ repositories: [] })).toBe('{"repositories":[]}');
});

test("pages are read back as they were formatted", () => {
  const tags = fc.array(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/));
  const repositories = fc.array(fc.stringMatching(/^[a-z0-9]{1,9}(\/[a-z0-9]{1,9})?$/));
  fc.assert(
    fc.property(tags, repositories, (someTags, someRepositories) => {
      expect(parseTagPage(bytes(formatTagPage({ name: "a", tags: someTags })))).toEqual({
        name: "a",
        tags: someTags,
        skipped: 0,
      });
      expect(parseCatalogPage(bytes(formatCatalogPage({ repositories: someRepositories })))).toEqual({
        repositories: someRepositories,
        skipped: 0,
      });
    }),
  );
});

test("no body makes a parser throw anything without a code", () => {
  const body = fc.oneof(
    fc.uint8Array(),
    fc.json().map(bytes),
    fc.jsonValue().map((tags) => bytes({ tags, repositories: tags, manifest: tags })),
  );
  fc.assert(
    fc.property(body, fc.constantFrom(parseTagPage, parseCatalogPage), (given, parse) => {
      expect(() => ignoringRefusal(() => parse(given))).not.toThrow();
    }),
  );
});

function ignoringRefusal(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!isOciError(error)) throw error;
  }
}
