import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isOciError } from "../errors.ts";
import {
  findNext,
  formatNextLink,
  nextLink,
  parseLink,
  resolveUri,
  type Link,
  type NextLink,
} from "./link.ts";
import { formatRoute } from "./route.ts";

interface Row {
  readonly input: string | readonly string[];
  readonly base: string;
  readonly expect: {
    readonly links: readonly unknown[];
    readonly next: string | null;
    readonly crossOrigin: boolean;
    readonly follow: string | null;
    readonly rebased: boolean;
    readonly warnings: readonly string[];
  };
  readonly error: string | null;
  readonly note: string;
}

function parseRows(text: string): readonly Row[] {
  return JSON.parse(text) as readonly Row[];
}

const rows = parseRows(readFileSync(new URL("../../vectors/link.json", import.meta.url), "utf8"));

describe("Link headers as registries send them", () => {
  test("there are 36 rows", () => {
    expect(rows).toHaveLength(36);
  });

  test.each(rows)("$note", (row) => {
    const base = new URL(row.base);
    const { links, warnings } = parseLink(row.input);
    expect(links.map(plain)).toEqual(row.expect.links);
    expect(warnings).toEqual(row.expect.warnings);

    const next = resolveUri(findNext(links)?.uri ?? "about:blank", base);
    expect(findNext(links) === undefined ? null : next?.href).toBe(row.expect.next);
    expect(findNext(links) !== undefined && next?.origin !== base.origin).toBe(row.expect.crossOrigin);

    const followed = follow(row.input, base);
    expect(followed.detail).toEqual(row.error === null ? undefined : { reason: row.error });
    expect(followed.next?.url.href ?? null).toBe(row.expect.follow);
    expect(followed.next?.rebased ?? false).toBe(row.expect.rebased);
  });
});

function plain({ uri, rel, params }: Link): unknown {
  return { uri, rel, params: Object.fromEntries(params) };
}

function follow(
  header: string | readonly string[],
  base: URL,
): { readonly next?: NextLink; readonly detail?: unknown } {
  try {
    const next = nextLink(header, base);
    return next === undefined ? {} : { next };
  } catch (error) {
    if (isOciError(error, "RESPONSE_INVALID")) return { detail: error.detail };
    throw error;
  }
}

const base = new URL("https://registry.example/v2/a/tags/list?n=2");

test("an answer without Link is the last page", () => {
  expect(nextLink(undefined, base)).toBeUndefined();
});

test("userinfo and fragment of a link are dropped", () => {
  expect(resolveUri("https://user:secret@other.example/a?x#y", base)?.href).toBe("https://other.example/a?x");
});

describe("leniency", () => {
  test.each([
    ["</a", ["/a"], ["missing-angle-brackets"]],
    ["</a> x; rel=next", ["/a"], []],
    ["</a>; ; rel=next", ["/a"], []],
    ["</a>; rel", ["/a"], []],
    [', "<x>,", </a>', ["/a"], ["missing-angle-brackets"]],
  ])("%s", (header, uris, warnings) => {
    const parsed = parseLink(header);
    expect(parsed.links.map(({ uri }) => uri)).toEqual(uris);
    expect(parsed.warnings).toEqual(warnings);
  });

  test("relation types and parameter names are case-insensitive, and __proto__ is a name like any (C21)", () => {
    const [link] = parseLink("</a?x=1>; __proto__=y; REL=NEXT").links;
    expect(link?.rel).toEqual(["next"]);
    expect(link?.params.get("__proto__")).toBe("y");
  });
});

describe("nextLink never leaves the origin and path of the request (C9)", () => {
  test.each([
    "https://evil.example/v2/a/tags/list?last=v1",
    "//evil.example?last=v1",
    "\\\\evil.example\\x?last=v1",
    "https://registry.example:8443/v2/a/tags/list?last=v1",
    "https://registry.example@evil.example/?last=v1",
    "https://user:secret@registry.example/v2/a/tags/list?last=v1",
    "/v2/other/tags/list?last=v1",
  ])("%s", (uri) => {
    expect(nextLink(`<${uri}>; rel="next"`, base)?.url.href).toBe(
      "https://registry.example/v2/a/tags/list?last=v1",
    );
  });

  test.each([
    "ftp://evil.example/?last=v1",
    "javascript:alert(1)?last=v1",
    "https://[::/?last=v1",
    "/v2/other",
  ])("%s is refused", (uri) => {
    expect(() => nextLink(`<${uri}>; rel="next"`, base)).toThrow(
      expect.objectContaining({ code: "RESPONSE_INVALID", detail: { reason: "unusable-next-link" } }),
    );
  });

  test("a link to the request itself is a loop, also by way of another origin (C10)", () => {
    for (const uri of ["", "#x", "/v2/a/tags/list?n=2", "https://evil.example/?n=2"]) {
      expect(() => nextLink(`<${uri}>; rel="next"`, base)).toThrow(
        expect.objectContaining({ detail: { reason: "pagination-loop" } }),
      );
    }
  });

  test("whatever the header, the answer is on the same origin and path, or there is none", () => {
    const uri = fc.oneof(
      fc.webUrl({ withQueryParameters: true }),
      fc.string(),
      fc.webQueryParameters().map((q) => `?${q}`),
    );
    fc.assert(
      fc.property(uri, (given) => {
        const url = follow(`<${given}>; rel=next`, base).next?.url ?? base;
        expect(url.origin + url.pathname).toBe(base.origin + base.pathname);
        expect(url.username + url.password + url.hash).toBe("");
      }),
      { numRuns: 50 },
    );
  });
});

test("nextLink reads back what formatNextLink wrote", () => {
  fc.assert(
    fc.property(fc.nat(), fc.string(), (n, last) => {
      const target = formatRoute({ kind: "tags", name: "a", n, last });
      const followed = nextLink(formatNextLink(target), new URL("https://registry.example/v2/a/tags/list"));
      expect(followed).toEqual({ url: new URL(target, base), rebased: false });
    }),
  );
});

test.each(["", "/a b", "/a>; rel=x", "/a\r\nSet-Cookie: x", "/\u2603"])(
  "formatNextLink refuses %j",
  (target) => {
    expect(() => formatNextLink(target)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  },
);

test("no header makes parseLink throw", () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom("<", ">", ";", ",", "=", '"', "\\", "rel", "next", " "),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      for (const { uri, rel } of parseLink(pieces.join("")).links) {
        expect(uri).not.toContain(">");
        expect(rel).not.toContain("");
      }
    }),
  );
});
