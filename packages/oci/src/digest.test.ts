import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  algorithmOf,
  createDigester,
  digestMatches,
  digestOf,
  hexOf,
  isDigest,
  isDigestAlgorithm,
  parseDigest,
} from "./digest.ts";

const empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

describe("parseDigest", () => {
  it.each([empty, `sha512:${"0123456789abcdef".repeat(8)}`])("accepts %s", (text) => {
    expect(parseDigest(text)).toBe(text);
  });

  it.each([
    "",
    "sha256",
    "sha256:",
    empty.slice(0, -1),
    `${empty}0`,
    empty.toUpperCase(),
    empty.replace("e3b0", "E3B0"),
    `${empty.slice(0, -1)}g`,
    `sha256:g${"0".repeat(63)}`,
    ` ${empty}`,
    `${empty}\n`,
    `sha512:${"0".repeat(64)}`,
    `md5:${"0".repeat(32)}`,
    `sha384:${"0".repeat(96)}`,
    `sha256+b64:${"0".repeat(64)}`,
    `toString:${"0".repeat(64)}`,
    `:${"0".repeat(64)}`,
    `sha256:../../../../../../etc/passwd${"0".repeat(36)}`,
  ])("refuses %j with DIGEST_INVALID (CVE-2024-3727)", (text) => {
    expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: "DIGEST_INVALID" }));
    expect(isDigest(text)).toBe(false);
  });

  it("does not print all of a very long text", () => {
    expect(() => parseDigest("x".repeat(1_000_000))).toThrow(/^not a sha256 or sha512 digest: "x{200}"$/);
  });

  it("accepts nothing that could leave a directory", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const isSafe = !isDigest(`sha256:${text}`) || /^[0-9a-f]{64}$/.test(text);
        expect(isSafe).toBe(true);
      }),
    );
  });
});

describe("digestOf", () => {
  it("is what node:crypto computes, for both algorithms", () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.constantFrom("sha256" as const, "sha512" as const),
        (bytes, algorithm) => {
          const digest = digestOf(bytes, algorithm);
          expect(digest).toBe(`${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`);
          expect(parseDigest(digest)).toBe(digest);
          expect([algorithmOf(digest), `${algorithmOf(digest)}:${hexOf(digest)}`]).toEqual([
            algorithm,
            digest,
          ]);
        },
      ),
    );
  });

  it("is sha256 by default", () => {
    expect(digestOf(new Uint8Array())).toBe(empty);
  });
});

describe("digestMatches", () => {
  it("holds for the bytes of the digest alone, in the digest's own algorithm", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (bytes, others) => {
        expect(digestMatches(digestOf(bytes, "sha512"), bytes)).toBe(true);
        expect(digestMatches(digestOf(bytes), others)).toBe(Buffer.compare(bytes, others) === 0);
      }),
    );
  });
});

describe("createDigester", () => {
  it("gives the same digest however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (chunks) => {
        const digester = createDigester();
        for (const chunk of chunks) digester.update(chunk);
        expect(digester.digest()).toBe(digestOf(Buffer.concat(chunks)));
      }),
    );
  });
});

describe("isDigestAlgorithm", () => {
  it.each([
    ["sha256", true],
    ["sha512", true],
    ["sha384", false],
    ["SHA256", false],
    ["hasOwnProperty", false],
    ["__proto__", false],
  ])("of %s is %s", (text, expected) => {
    expect(isDigestAlgorithm(text)).toBe(expected);
  });
});
