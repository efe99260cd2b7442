import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isOciError } from "./errors.ts";
import { parseObject } from "./json.ts";
import { parseNamedReference, type ReferenceReason } from "./reference-grammar.ts";
import {
  dockerHub,
  familiarReference,
  formatReference,
  isLoopback,
  parseReference,
  parseRegistry,
  pullReference,
} from "./reference.ts";

type Expected = Readonly<Record<string, unknown>> & { readonly policy: Readonly<Record<string, unknown>> };

interface Row {
  readonly kind: "reference" | "registry";
  readonly input: string;
  readonly options?: { readonly allowScheme?: boolean; readonly defaultRegistry?: string };
  readonly expect: Expected | null;
  readonly error: ReferenceReason | null;
  readonly note: string;
}

function parseRows(text: string): readonly Row[] {
  return JSON.parse(text) as readonly Row[];
}

const rows = parseRows(readFileSync(new URL("../vectors/references.json", import.meta.url), "utf8"));
const plainRows = rows.filter(({ kind, options }) => kind === "reference" && options === undefined);
const optionRows = rows.filter(({ options }) => options !== undefined);
const registryRows = rows.filter(({ kind }) => kind === "registry");

/** Where our policy is safer than that of the rows. */
const exceptions: Readonly<
  Record<string, { readonly policy: Readonly<Record<string, unknown>>; readonly why: string }>
> = {
  "foo_bar.com/repo": {
    why: "an empty host makes URL parsers take the first component of the path for one",
    policy: { error: "invalid-registry" },
  },
  "LOCALDOMAIN/debian": {
    why: "in lower case the text would be read back as a repository of Docker Hub",
    policy: { pullReference: "LOCALDOMAIN/debian:latest" },
  },
  "Docker/docker": {
    why: "in lower case the text would be read back as a repository of Docker Hub",
    policy: { pullReference: "DOCKER/docker:latest" },
  },
};

/** What the function gives, or the reason of its refusal. */
function outcome(read: () => object): object {
  try {
    return read();
  } catch (error) {
    if (isOciError(error, "REFERENCE_INVALID", "NAME_INVALID", "DIGEST_INVALID"))
      return parseObject(error.detail) ?? error;
    throw error;
  }
}

/** A reference in the words of the rows. */
function grammarOf(text: string): object {
  const named = parseNamedReference(text, { shortNames: dockerHub });
  return {
    registry: named.registry,
    repository: named.repository,
    tag: named.tag ?? null,
    digest: named.digest ?? null,
    canonical: formatReference(named),
    familiar: familiarReference(named),
    resolved: formatReference(pullReference(named)),
  };
}

function policyOf(row: Row): object {
  const { registry, repository, apiHost, scheme, official, ...reference } = parseReference(
    row.input,
    row.options,
  );
  const text = formatReference(pullReference({ registry, repository, ...reference }));
  return { registry, repository, apiHost, scheme, official, pullReference: text };
}

test("there are 155 rows", () => {
  expect([plainRows.length, optionRows.length, registryRows.length]).toEqual([129, 11, 15]);
});

describe("the grammar of distribution/reference", () => {
  test.each(plainRows)("$input: $note", (row) => {
    const { policy: _policy, ...grammar } = row.expect ?? { policy: {} };
    expect(outcome(() => grammarOf(row.input))).toEqual(row.error === null ? grammar : { reason: row.error });
  });
});

describe("our policy", () => {
  test.each(plainRows)("$input: $note", (row) => {
    const policy = { ...row.expect?.policy, ...exceptions[row.input]?.policy };
    const reason = row.error ?? policy["error"];
    expect(outcome(() => policyOf(row))).toEqual(reason === undefined ? policy : { reason });
  });

  test.each(optionRows)("$input with $options: $note", (row) => {
    const { policy, ...grammar } = row.expect ?? { policy: {} };
    const expected = row.error === null ? { ...grammar, ...policy } : { reason: row.error };
    const read = (): object => {
      const {
        registry,
        repository,
        tag = null,
        digest = null,
        scheme,
        official,
      } = parseReference(row.input, row.options);
      return { registry, repository, tag, digest, scheme, official };
    };
    expect(outcome(read)).toEqual(expected);
  });

  test.each(registryRows)("$input: $note", (row) => {
    const { policy, ...grammar } = row.expect ?? { policy: {} };
    const expected = row.error === null ? { ...grammar, ...policy } : { reason: row.error };
    expect(outcome(() => parseRegistry(row.input))).toEqual(expected);
  });
});

test("the reason decides the code", () => {
  const codes = [
    "a b",
    "A",
    "a".repeat(300),
    "f".repeat(64),
    "a@sha1:".padEnd(60, "f"),
    "a@sha256:".padEnd(60, "f"),
  ];
  const codeOf = (text: string): unknown => {
    try {
      return parseReference(text);
    } catch (error) {
      return isOciError(error) && error.code;
    }
  };
  expect(codes.map(codeOf)).toEqual([
    "REFERENCE_INVALID",
    "NAME_INVALID",
    "NAME_INVALID",
    "NAME_INVALID",
    "DIGEST_INVALID",
    "DIGEST_INVALID",
  ]);
});

describe("what the rows do not hold", () => {
  test.each([
    ["f".repeat(64), "name-is-identifier"],
    ["a".repeat(248), "name-too-long"],
    [`REGISTRY-1.docker.io/${"a".repeat(248)}`, "name-too-long"],
    ["repo@sha256:cafebabe", "invalid-format"],
    ["repo:tag@SHA256:".padEnd(80, "f"), "digest-invalid-format"],
    ["1.2.3.4.5/repo", "invalid-registry"],
    ["256.0.0.1/repo", "invalid-registry"],
    ["[::::]/repo", "invalid-registry"],
    ["0x7f.1/repo", "invalid-registry"],
    ["127.1/repo", "invalid-registry"],
    ["127.0.0.01/repo", "invalid-registry"],
    ["a.0x/repo", "invalid-registry"],
    ["2130706433:80/repo", "invalid-registry"],
    [`a@${"a+".repeat(2048)}a:${"f".repeat(32)}`, "invalid-format"],
    ["host:65536/repo", "port-out-of-range"],
    ["[::1]:65536/repo", "port-out-of-range"],
    ["docker.io:99999999999999999999/repo", "port-out-of-range"],
    ["host:/repo", "invalid-format"],
    ["a\u2028b/repo", "invalid-format"],
  ])("%s is refused: %s", (text, reason) => {
    expect(outcome(() => parseReference(text))).toEqual({ reason });
  });

  test.each([
    ["https://foo/bar", "invalid-registry"],
    ["https://user:pass@quay.io/a", "invalid-format"],
    ["https://quay.io/a?x=1", "invalid-format"],
    ["https:///a/b", "invalid-registry"],
  ])("%s with a scheme is refused: %s", (text, reason) => {
    expect(outcome(() => parseReference(text, { allowScheme: true }))).toEqual({ reason });
  });

  test.each(["", "/", "https://", "user@quay.io", "quay.io?x", "a_b.com", "https://https://quay.io"])(
    "%j is no registry",
    (text) => {
      expect(() => parseRegistry(text)).toThrow(expect.objectContaining({ code: "REFERENCE_INVALID" }));
    },
  );

  test("hosts are compared in lower case, so that Docker Hub has one name", () => {
    expect(parseReference("Registry-1.Docker.IO/nginx")).toEqual(parseReference("nginx"));
    expect(parseReference("QUAY.io/a/b").registry).toBe("quay.io");
  });

  test("the scheme of a default registry is that of the names looked for there", () => {
    const options = { defaultRegistry: "http://mirror.example:5000" };
    expect(parseReference("a/b", options)).toMatchObject({ registry: "mirror.example:5000", scheme: "http" });
    expect(parseReference("quay.io/a/b", options)).toMatchObject({ registry: "quay.io", scheme: "https" });
  });

  test("a default registry is refused like any", () => {
    expect(outcome(() => parseReference("a", { defaultRegistry: "foo" }))).toEqual({
      reason: "invalid-registry",
    });
  });
});

describe("familiarReference leaves out nothing that would change the meaning", () => {
  test.each([
    ["docker.io/foo.bar/baz", "docker.io/foo.bar/baz"],
    ["docker.io/localhost/baz", "docker.io/localhost/baz"],
    ["docker.io/library/a/b", "library/a/b"],
    ["docker.io/library/a:1", "a:1"],
    ["quay.io/library/a", "quay.io/library/a"],
  ])("%s: %s", (text, familiar) => {
    expect(familiarReference(parseReference(text))).toBe(familiar);
    expect(formatReference(parseReference(familiar))).toBe(text);
  });
});

describe("only loopback hosts speak plain HTTP by default (C35)", () => {
  test.each([
    "localhost",
    "LOCALHOST:1",
    "a.localhost:5000",
    "127.0.0.1",
    "127.255.0.9:80",
    "[::1]",
    "[0:0:0:0:0:0:0:1]:5000",
    "[0::0001]",
  ])("%s", (host) => {
    expect(isLoopback(host)).toBe(true);
    expect(parseReference(`${host}/a`).scheme).toBe("http");
  });

  test.each([
    "localhost.example",
    "notlocalhost:1",
    "127.0.0.1.example",
    "127.example.com",
    "128.0.0.1",
    "10.0.0.1",
    "192.168.0.1:5000",
    "[2001:db8::1]",
    "[::1234]",
    "[::11]",
    "[::1:1]",
    "[fc00::1]:5000",
    "[::ffff:7f00:1]",
  ])("%s does not", (host) => {
    expect(isLoopback(host)).toBe(false);
    expect(parseReference(`${host}/a`).scheme).toBe("https");
  });
});

const component = fc.stringMatching(/^[a-z0-9]{1,5}([._-][a-z0-9]{1,5}){0,2}$/);
/** The first component has no dot, with which it would be taken for a host where there is none. */
const path = fc
  .tuple(fc.stringMatching(/^[a-z0-9]{1,5}(_[a-z0-9]{1,5})?$/), fc.array(component, { maxLength: 3 }))
  .map(([first, others]) => [first, ...others].join("/"));
const host = fc.oneof(
  fc.constantFrom(
    "",
    "localhost/",
    "docker.io/",
    "index.docker.io/",
    "registry-1.docker.io/",
    "[::1]:5000/",
    "UPPER/",
  ),
  fc.domain().map((domain) => `${domain}/`),
  fc.tuple(fc.domain(), fc.integer({ min: 0, max: 65_535 })).map(([domain, port]) => `${domain}:${port}/`),
);
const tag = fc.oneof(fc.constant(""), fc.stringMatching(/^:[A-Za-z0-9_][A-Za-z0-9._-]{0,9}$/));
const digest = fc.oneof(fc.constant(""), fc.stringMatching(/^@sha256:[0-9a-f]{64}$/));
const text = fc.tuple(host, path, tag, digest).map((parts) => parts.join(""));

test("a formatted reference is read back as the same, in full and as people write it", () => {
  fc.assert(
    fc.property(text, (given) => {
      const reference = parseReference(given);
      expect(parseReference(formatReference(reference))).toEqual(reference);
      expect(parseReference(familiarReference(reference))).toEqual(reference);
    }),
  );
});

test("no text makes a parser throw anything without a reason, and the host it finds is that of the URL (C18)", () => {
  const piece = fc.oneof(
    fc.string(),
    component,
    fc.constantFrom("/", ":", "@", ".", "[", "]", "http://", "docker.io/", "a:1/"),
  );
  fc.assert(
    fc.property(fc.array(piece), fc.boolean(), (pieces, allowScheme) => {
      const read = outcome(() => parseReference(pieces.join(""), { allowScheme }));
      const isRefusal = "reason" in read;
      expect(isRefusal || "apiHost" in read).toBe(true);
      const url =
        "apiHost" in read ? new URL(`https://${String(read.apiHost)}/v2/`) : new URL("https://h/v2/");
      expect(url.pathname).toBe("/v2/");
      expect(outcome(() => parseRegistry(pieces.join("")))).toBeTypeOf("object");
    }),
  );
});

test("a refusal says what is wrong in words, and keeps a password that was put in front of the host to itself", () => {
  expect(() => parseReference("ghcr.io/Team/app")).toThrow("a repository name has no upper case");
  expect(() => parseReference("app:v1/")).toThrow("not an image name such as");
  for (const text of ["me:canary@ghcr.io/team/app:v1", "https://me:canary@ghcr.io/team/app"]) {
    expect(() => parseReference(text, { allowScheme: true })).toThrow("[removed]@ghcr.io/team/app");
    expect(() => parseReference(text, { allowScheme: true })).not.toThrow("canary");
  }
});

test.each([
  ["me:canary@ghcr.io", "[removed]@ghcr.io"],
  ["https://me:canary@ghcr.io", "[removed]@ghcr.io"],
  ["https://canary@ghcr.io", "[removed]@ghcr.io"],
  ["me:canary@localhost:5000", "[removed]@localhost:5000"],
  ["me:c@nary-canary@ghcr.io/app", "[removed]@ghcr.io/app"],
  ["me:canary@ghcr.io/app@sha256:00", "[removed]@ghcr.io/app@sha256:00"],
])("C30 a refusal of %s shows no password", (text, shown) => {
  for (const parse of [parseRegistry, parseReference]) {
    expect(() => parse(text)).toThrow(shown);
    expect(() => parse(text)).not.toThrow(/canary|c@n/);
  }
});

test("a refusal shows a wrong digest, which is none", () => {
  expect(() => parseReference("ghcr.io/app:v1@sha256:00")).toThrow('"ghcr.io/app:v1@sha256:00"');
});
