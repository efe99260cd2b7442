import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isOciError } from "../errors.ts";
import { formatRoute, parseRoute, type Route } from "./route.ts";

const digest = `sha256:${"a".repeat(64)}`;

describe("parseRoute: end-1 to end-14 of the distribution-spec", () => {
  const routes: readonly (readonly [string, Route])[] = [
    ["/v2", { kind: "base" }],
    ["/v2/", { kind: "base" }],
    ["/v2/?x=1", { kind: "base" }],
    ["/v2/_catalog", { kind: "catalog" }],
    ["/v2/_catalog?n=2&last=a%2Fb", { kind: "catalog", n: 2, last: "a/b" }],
    ["/v2/a/tags/list", { kind: "tags", name: "a" }],
    ["/v2/a/b/tags/list?n=0&last=v1", { kind: "tags", name: "a/b", n: 0, last: "v1" }],
    ["/v2/a/manifests/v1", { kind: "manifest", name: "a", reference: "v1" }],
    [`/v2/a/manifests/${digest}`, { kind: "manifest", name: "a", reference: digest }],
    [
      `/v2/a/manifests/${digest}?tag=v1&tag=v2`,
      { kind: "manifest", name: "a", reference: digest, tags: ["v1", "v2"] },
    ],
    [`/v2/a/b/blobs/${digest}`, { kind: "blob", name: "a/b", digest }],
    ["/v2/a/blobs/uploads/", { kind: "uploads", name: "a" }],
    ["/v2/a/blobs/uploads", { kind: "uploads", name: "a" }],
    [
      `/v2/a/blobs/uploads/?mount=${digest}&from=b/c`,
      { kind: "uploads", name: "a", mount: digest, from: "b/c" },
    ],
    [`/v2/a/blobs/uploads/?digest=${digest}`, { kind: "uploads", name: "a", digest }],
    [
      "/v2/a/blobs/uploads/?digest-algorithm=sha512",
      { kind: "uploads", name: "a", digestAlgorithm: "sha512" },
    ],
    ["/v2/a/blobs/uploads/7f-1", { kind: "upload", name: "a", id: "7f-1" }],
    [
      `/v2/a/blobs/uploads/7f-1?_state=x%2By&digest=${digest}&z`,
      { kind: "upload", name: "a", id: "7f-1", digest, query: "_state=x%2By&z" },
    ],
    [`/v2/a/referrers/${digest}`, { kind: "referrers", name: "a", digest }],
    [
      `/v2/a/referrers/${digest}?artifactType=application/vnd.a+json&artifactType=b%2Fc&last=${digest}`,
      {
        kind: "referrers",
        name: "a",
        digest,
        artifactTypes: ["application/vnd.a+json", "b/c"],
        last: digest,
      },
    ],
  ];
  test.each(routes)("%s", (target, route) => {
    expect(parseRoute(target)).toEqual(route);
  });
});

describe("parseRoute matches from the right, so that keywords may be components of a repository", () => {
  test.each([
    ["/v2/blobs/uploads/tags/list", { kind: "tags", name: "blobs/uploads" }],
    ["/v2/tags/manifests/list", { kind: "manifest", name: "tags", reference: "list" }],
    ["/v2/manifests/manifests/manifests", { kind: "manifest", name: "manifests", reference: "manifests" }],
    ["/v2/a/blobs/uploads/manifests/v1", { kind: "manifest", name: "a/blobs/uploads", reference: "v1" }],
    ["/v2/a/manifests/uploads", { kind: "manifest", name: "a", reference: "uploads" }],
    [`/v2/a/blobs/uploads/blobs/${digest}`, { kind: "blob", name: "a/blobs/uploads", digest }],
    ["/v2/a/blobs/blobs/uploads/", { kind: "uploads", name: "a/blobs" }],
    ["/v2/referrers/referrers/x", { kind: "referrers", name: "referrers", digest: "x" }],
    ["/v2/a/blobs/uploads/uploads", { kind: "upload", name: "a", id: "uploads" }],
  ])("%s", (target, route) => {
    expect(parseRoute(target)).toEqual(route);
  });
});

test("a digest may spell its colon %3A, and nothing else may be escaped", () => {
  const escaped = digest.replace(":", "%3A");
  expect(parseRoute(`/v2/a/blobs/${escaped}`)).toEqual({ kind: "blob", name: "a", digest });
  expect(parseRoute(`/v2/a/blobs/${escaped.toLowerCase()}`)).toEqual({ kind: "blob", name: "a", digest });
});

describe("parseRoute finds nothing, and cleans nothing (C18)", () => {
  test.each([
    "",
    "*",
    "/",
    "/v1/",
    "/v2x",
    "v2/",
    "/v2//",
    "http://registry.example/v2/",
    "//evil.example/v2/a/tags/list",
    "/v2/a",
    "/v2/tags/list",
    "/v2/manifests/v1",
    "/v2/blobs/uploads/",
    "/v2/blobs/uploads/7f",
    "/v2/_oci/ext/discover",
    "/v2/_catalog/",
    "/v2/a/tags",
    "/v2/a/tags/list/",
    "/v2/a/manifests/",
    "/v2//a/tags/list",
    "/v2/a//tags/list",
    "/v2/a/../b/tags/list",
    "/v2/./a/tags/list",
    "/v2/a/manifests/..",
    "/v2/a/blobs/uploads//",
    "/v2/a%2Fb/tags/list",
    "/v2/a/%74ags/list",
    "/v2/a/manifests/v%31",
    "/v2/a/manifests/%2e%2e",
    `/v2/a/blobs/sha256%253A${"a".repeat(64)}`,
    "/v2/a/blobs/uploads/..",
  ])("%j", (target) => {
    expect(parseRoute(target)).toBeUndefined();
  });
});

describe("parseRoute keeps what must be answered 400 rather than 404", () => {
  test.each([
    ["/v2/UPPER/tags/list", { kind: "tags", name: "UPPER" }],
    [
      "/v2/a/manifests/.INVALID_MANIFEST_NAME",
      { kind: "manifest", name: "a", reference: ".INVALID_MANIFEST_NAME" },
    ],
    [
      "/v2/a/manifests/sha256:baddigeststring",
      { kind: "manifest", name: "a", reference: "sha256:baddigeststring" },
    ],
    ["/v2/a/referrers/nope", { kind: "referrers", name: "a", digest: "nope" }],
    ["/v2/a/tags/list?n=-1", { kind: "tags", name: "a", n: NaN }],
    ["/v2/a/tags/list?n=1e3", { kind: "tags", name: "a", n: NaN }],
    ["/v2/a/tags/list?n=", { kind: "tags", name: "a", n: NaN }],
    ["/v2/a/tags/list?n=99999999999999999999", { kind: "tags", name: "a", n: Infinity }],
  ])("%s", (target, route) => {
    expect(parseRoute(target)).toEqual(route);
  });
});

describe("formatRoute", () => {
  test.each<readonly [Route, string]>([
    [{ kind: "base" }, "/v2/"],
    [{ kind: "catalog", n: 5, last: "a/b" }, "/v2/_catalog?n=5&last=a%2Fb"],
    [{ kind: "tags", name: "a", n: 0 }, "/v2/a/tags/list?n=0"],
    [{ kind: "blob", name: "a/b", digest }, `/v2/a/b/blobs/${digest}`],
    [{ kind: "uploads", name: "a" }, "/v2/a/blobs/uploads/"],
    [{ kind: "upload", name: "a", id: "7f", query: "_state=x" }, "/v2/a/blobs/uploads/7f?_state=x"],
    [
      { kind: "referrers", name: "a", digest, artifactTypes: ["application/vnd.a+json"] },
      `/v2/a/referrers/${digest}?artifactType=application%2Fvnd.a%2Bjson`,
    ],
  ])("%j", (route, target) => {
    expect(formatRoute(route)).toBe(target);
  });

  test.each<readonly [Route, string]>([
    [{ kind: "tags", name: "a/../b" }, "NAME_INVALID"],
    [{ kind: "tags", name: "a?b" }, "NAME_INVALID"],
    [{ kind: "tags", name: "" }, "NAME_INVALID"],
    [{ kind: "tags", name: "a", n: NaN }, "OPTION_INVALID"],
    [{ kind: "tags", name: "a", n: -1 }, "OPTION_INVALID"],
    [{ kind: "tags", name: "a", n: Infinity }, "OPTION_INVALID"],
    [{ kind: "manifest", name: "a", reference: "v1/../x" }, "TAG_INVALID"],
    [{ kind: "manifest", name: "a", reference: "sha256:../../x" }, "DIGEST_INVALID"],
    [{ kind: "manifest", name: "a", reference: digest, tags: ["a b"] }, "TAG_INVALID"],
    [{ kind: "blob", name: "a", digest: "sha256:../../x" }, "DIGEST_INVALID"],
    [{ kind: "uploads", name: "a", mount: "x" }, "DIGEST_INVALID"],
    [{ kind: "uploads", name: "a", mount: digest, from: "B" }, "NAME_INVALID"],
    [{ kind: "uploads", name: "a", digest: "x" }, "DIGEST_INVALID"],
    [{ kind: "upload", name: "a", id: "../x" }, "OPTION_INVALID"],
    [{ kind: "upload", name: "a", id: ".." }, "OPTION_INVALID"],
    [{ kind: "upload", name: "a", id: "x", query: "a#b" }, "OPTION_INVALID"],
    [{ kind: "upload", name: "a", id: "x", digest: "y" }, "DIGEST_INVALID"],
    [{ kind: "referrers", name: "a", digest: "y" }, "DIGEST_INVALID"],
    [{ kind: "referrers", name: "a", digest, artifactTypes: ["a b"] }, "OPTION_INVALID"],
  ])("refuses %j", (route, code) => {
    expect(() => formatRoute(route)).toThrow(expect.objectContaining({ code }));
  });
});

const name = fc
  .array(fc.constantFrom("a", "b1", "blobs", "uploads", "manifests", "tags", "list", "referrers"), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => parts.join("/"));
const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/);
const anyDigest = fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => `sha256:${hex}`);
const page = { n: fc.option(fc.nat(), { nil: undefined }), last: fc.option(fc.string(), { nil: undefined }) };
const maybeDigest = fc.option(anyDigest, { nil: undefined });
const route: fc.Arbitrary<Route> = fc.oneof(
  fc.constant({ kind: "base" as const }),
  fc.record({ kind: fc.constant("catalog" as const), ...page }),
  fc.record({ kind: fc.constant("tags" as const), name, ...page }),
  fc.record({
    kind: fc.constant("manifest" as const),
    name,
    reference: fc.oneof(tag, anyDigest),
    tags: fc.option(fc.array(tag, { minLength: 1, maxLength: 3 }), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant("blob" as const), name, digest: anyDigest }),
  fc.record({
    kind: fc.constant("uploads" as const),
    name,
    mount: maybeDigest,
    from: fc.option(name, { nil: undefined }),
    digest: maybeDigest,
    digestAlgorithm: fc.option(fc.constantFrom("sha256", "sha512"), { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant("upload" as const),
    name,
    id: fc.uuid(),
    digest: maybeDigest,
    query: fc.option(fc.constantFrom("_state=a%2Bb", "a=1&b=2"), { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant("referrers" as const),
    name,
    digest: anyDigest,
    last: maybeDigest,
    artifactTypes: fc.option(
      fc.array(fc.constantFrom("a/b", "application/vnd.x.v1+json"), { minLength: 1 }),
      {
        nil: undefined,
      },
    ),
  }),
);

test("parseRoute reads every route back as it was formatted", () => {
  fc.assert(
    fc.property(route, (given) => {
      expect(parseRoute(formatRoute(given))).toEqual(given);
    }),
  );
});

test("no request target makes parseRoute throw, and what it returns formats to the same route or is refused", () => {
  const pieces = [
    "/",
    "/",
    "/v2/",
    "a",
    "..",
    "%3A",
    "%",
    "tags/list",
    "manifests",
    "blobs",
    "uploads",
    "referrers",
    digest,
  ];
  const target = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom(...pieces)).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(target, fc.string(), (path, query) => {
      const parsed = parseRoute(`${path}?${query}`);
      const again = parsed && formatted(parsed);
      expect(again === undefined ? undefined : parseRoute(again)).toEqual(again && parsed);
    }),
  );
});

test("any string in a route is refused or stays one segment below its repository (C18)", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (anyName, reference) => {
      const target = formatted({ kind: "manifest", name: anyName, reference });
      const expected = target && `/v2/${anyName}/manifests/${reference}`;
      expect(target).toBe(expected);
      expect(target && new URL(target, "http://h").pathname).toBe(expected);
    }),
  );
});

/** The formatted route; `undefined` where it was refused for a reason that has a code. */
function formatted(given: Route): string | undefined {
  try {
    return formatRoute(given);
  } catch (error) {
    if (isOciError(error)) return undefined;
    throw error;
  }
}
