import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { isOciError } from "./errors.ts";
import {
  DEFAULT_INDEX_NAME,
  DEFAULT_INDEX_URL,
  DEFAULT_LOGIN_SERVERNAME,
  DEFAULT_TAG,
  isLocalhost,
  MEDIATYPE_MANIFEST_LIST_V2,
  MEDIATYPE_MANIFEST_V2,
  MEDIATYPE_OCI_MANIFEST_INDEX_V1,
  MEDIATYPE_OCI_MANIFEST_V1,
  parseIndex,
  parseRepo,
  parseRepoAndRef,
  parseRepoAndTag,
  splitIntoTwo,
  urlFromIndex,
} from "./migration.ts";

type Fields = Readonly<Record<string, unknown>>;

interface Row {
  readonly kind: "reference" | "registry";
  readonly input: string;
  readonly options?: { readonly defaultRegistry?: string };
  readonly expect: {
    readonly registry: string;
    readonly repository: string;
    readonly tag: string | null;
    readonly policy: Fields;
  } | null;
  readonly error: string | null;
  readonly seed: Fields;
  readonly note: string;
}

function parseRows(text: string): readonly Row[] {
  return JSON.parse(text) as readonly Row[];
}

const rows = parseRows(readFileSync(new URL("../vectors/references.json", import.meta.url), "utf8"));

const hub = { name: "docker.io", official: true, scheme: "https" };
const ubuntu = {
  index: hub,
  official: true,
  remoteName: "library/ubuntu",
  localName: "ubuntu",
  canonicalName: "docker.io/ubuntu",
  canonicalRef: "docker.io/ubuntu:latest",
};

/** Where the earlier library was wrong about valid input; the rest of its answer stands. */
const corrections: Readonly<Record<string, { readonly why: string; readonly fields: Fields }>> = {
  "registry-1.docker.io/library/ubuntu": { why: "the DNS name of Docker Hub is Docker Hub", fields: ubuntu },
  "registry-1.docker.io/ubuntu": { why: "the DNS name of Docker Hub is Docker Hub", fields: ubuntu },
  "registry-1.docker.io": { why: "the DNS name of Docker Hub is Docker Hub", fields: hub },
  "registry.localhost:5000/app": {
    why: "subdomains of localhost are loopback (RFC 6761)",
    fields: { index: { name: "registry.localhost:5000", official: false, scheme: "http" } },
  },
  "[fc00::1]:5000/docker/docker": secure("[fc00::1]:5000"),
  "[2001:db8::1]:5000/repo:tag": secure("[2001:db8::1]:5000"),
  "[2001:db8::1234]:5000/repo": secure("[2001:db8::1234]:5000"),
  "[2001:db8::1]": { why: "not loopback, although it contains ::1", fields: { scheme: "https" } },
};

function secure(name: string): { readonly why: string; readonly fields: Fields } {
  return {
    why: "not loopback, although it contains ::1",
    fields: { index: { name, official: false, scheme: "https" } },
  };
}

/** Valid by the grammar, yet refused: nobody could be asked, or nothing be verified. */
const unusable = ["test.com:99999/repo", "foo_bar.com/repo"];
const isUnusable = ({ input }: Row): boolean => unusable.includes(input) || input.includes("@sha384:");
/** Only a reference with a scheme, which the earlier library always took. */
const isSchemed = ({ input }: Row): boolean => input === "http://localhost:5000/blarg";

const isValid = (row: Row): boolean => (row.error === null && !isUnusable(row)) || isSchemed(row);
const valid = rows.filter(isValid);

function read(row: Row): unknown {
  return row.kind === "registry"
    ? parseIndex(row.input)
    : parseRepoAndRef(row.input, row.options?.defaultRegistry);
}

describe("what the earlier library answered rightly, we answer too", () => {
  const answered = valid.filter(({ seed }) => seed["throws"] === undefined);
  test.each(answered)("$input: $note", (row) => {
    expect(read(row)).toEqual({ ...row.seed, ...corrections[row.input]?.fields });
  });

  test("every correction is needed", () => {
    const corrected = answered.filter(({ input }) => corrections[input] !== undefined);
    expect(corrected).toHaveLength(Object.keys(corrections).length);
    for (const row of corrected) expect(read(row)).not.toEqual(row.seed);
  });
});

describe("what it refused wrongly, we read", () => {
  const refused = valid.filter(({ seed }) => seed["throws"] !== undefined);
  test("there are four such rows", () => {
    expect(refused).toHaveLength(4);
  });

  test.each(refused)("$input: $note", (row) => {
    const policy = row.expect?.policy ?? {};
    expect(read(row)).toMatchObject({
      index: { name: policy["registry"], scheme: policy["scheme"] },
      remoteName: policy["repository"],
      tag: row.expect?.tag ?? "latest",
    });
  });
});

describe("what is invalid is refused, although it read much of it", () => {
  test.each(rows.filter((row) => !isValid(row)))("$input: $note", (row) => {
    expect(codeOf(() => read(row))).toMatch(/^(REFERENCE|NAME|DIGEST)_INVALID$/);
  });
});

function codeOf(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return isOciError(error) ? error.code : error;
  }
}

test("no text means Docker Hub", () => {
  expect(parseIndex()).toEqual(hub);
  expect(parseIndex(DEFAULT_LOGIN_SERVERNAME)).toEqual(hub);
});

test("parseRepo takes neither tag nor digest", () => {
  const { tag: _tag, digest: _digest, canonicalRef: _ref, ...repo } = parseRepoAndRef("quay.io/a/b");
  expect(parseRepo("quay.io/a/b")).toEqual(repo);
  for (const text of ["a:1", `a@sha256:${"f".repeat(64)}`])
    expect(() => parseRepo(text)).toThrow(expect.objectContaining({ code: "REFERENCE_INVALID" }));
});

test("a default index may be a text or what parseIndex gave", () => {
  const index = parseIndex("http://myreg.example.com:1234");
  expect(parseRepo("foo/bar", index)).toEqual(parseRepo("foo/bar", "http://myreg.example.com:1234"));
  expect(parseRepo("foo/bar", index).index).toEqual(index);
  expect(parseRepo("foo", parseIndex()).remoteName).toBe("library/foo");
});

test("parseRepoAndTag is parseRepoAndRef", () => {
  expect(parseRepoAndTag).toBe(parseRepoAndRef);
});

test("urlFromIndex", () => {
  expect(urlFromIndex(parseIndex())).toBe(DEFAULT_INDEX_URL);
  expect(urlFromIndex(parseIndex("quay.io"))).toBe("https://quay.io");
  expect(urlFromIndex(parseIndex("quay.io"), "http")).toBe("http://quay.io");
  expect(urlFromIndex(parseIndex("localhost:5000"))).toBe("http://localhost:5000");
  expect(() => urlFromIndex(parseIndex(), "http")).toThrow(
    expect.objectContaining({ code: "REFERENCE_INVALID" }),
  );
  expect(() => urlFromIndex(parseIndex("quay.io"), "ftp")).toThrow(
    expect.objectContaining({ code: "REFERENCE_INVALID" }),
  );
});

test.each([
  ["localhost", true],
  ["localhost:5000", true],
  ["127.0.0.1:5000", true],
  ["::1", true],
  ["[::1]:5000", true],
  ["[2001:db8::1]", false],
  ["localhost.example.com", false],
])("isLocalhost %s: %s", (host, answer) => {
  expect(isLocalhost(host)).toBe(answer);
});

test("splitIntoTwo looks at the first separator only", () => {
  expect(splitIntoTwo("a:b:c", ":")).toEqual(["a", "b:c"]);
  expect(splitIntoTwo("a", ":")).toEqual(["a"]);
});

test("the constants keep their values", () => {
  expect([DEFAULT_INDEX_NAME, DEFAULT_TAG]).toEqual(["docker.io", "latest"]);
  expect([
    MEDIATYPE_MANIFEST_V2,
    MEDIATYPE_MANIFEST_LIST_V2,
    MEDIATYPE_OCI_MANIFEST_V1,
    MEDIATYPE_OCI_MANIFEST_INDEX_V1,
  ]).toEqual([
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
  ]);
});
