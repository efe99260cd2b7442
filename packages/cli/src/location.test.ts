import { formatReference, isOciError, type Reference } from "@drayage/oci";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  atOf,
  parseContent,
  parseExplicit,
  parseLocation,
  parsePlace,
  parseRepository,
  parseUntagged,
} from "./location.ts";

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef".split("")), minLength: length, maxLength: length });
const word = fc.string({
  unit: fc.constantFrom(..."abcdefghij0123456789".split("")),
  minLength: 1,
  maxLength: 12,
});
const registry = fc.oneof(
  fc.constantFrom("localhost:5000", "127.0.0.1:8080", "[::1]:5000", "registry.example"),
  word.map((label) => `${label}.example:443`),
);
const repository = fc
  .tuple(word, word, fc.constantFrom("/", "-", "_", ".", "__"))
  .map(([first, second, between]) => `${first}${between}${second}`);
const tag = fc.option(word, { nil: undefined });
const digest = fc.option(
  hex(64).map((text) => `sha256:${text}`),
  { nil: undefined },
);

function refusalOf(text: string): unknown {
  try {
    parseLocation(text);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("a location", () => {
  it("reads back as it was written: registry/repository[:tag][@digest]", () => {
    fc.assert(
      fc.property(registry, repository, tag, digest, (host, name, ofTag, ofDigest) => {
        const text = `${host}/${name}${ofTag === undefined ? "" : `:${ofTag}`}${ofDigest === undefined ? "" : `@${ofDigest}`}`;
        const location = parseLocation(text);
        expect(formatReference(location)).toBe(text);
        expect(location).toMatchObject({ registry: host, repository: name, tag: ofTag, digest: ofDigest });
      }),
    );
  });

  it("is refused with a code, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(refusalOf(text)).toSatisfy((error) => error === undefined || isOciError(error));
      }),
    );
  });

  it.each([
    "oci:dir:v1",
    "oci-archive:file.tar",
    "docker-archive:file.tar",
    "docker://localhost/a",
    "https://a.b/c",
  ])("of another kind is refused instead of being taken for a repository: %s", (text) => {
    expect(() => parseLocation(text)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });

  it("means its digest rather than its tag, and latest without either", () => {
    const at = (text: string) => atOf(parseLocation(text));
    const digestText = `sha256:${"0".repeat(64)}`;
    expect(at(`localhost:5000/app:v1@${digestText}`)).toBe(digestText);
    expect(at("localhost:5000/app:v1")).toBe("v1");
    expect(at("localhost:5000/app")).toBe("latest");
  });
});

describe("a host alone", () => {
  it.each([
    "localhost",
    "localhost:5000",
    "127.0.0.1:5000",
    "registry.example",
    "registry.example:443",
    `registry.example@sha256:${"0".repeat(64)}`,
  ])("is not taken for an image of Docker Hub: %s", (text) => {
    expect(() => parseLocation(text)).toThrow(
      expect.objectContaining({
        code: "REFERENCE_INVALID",
        message: `"${text}" is a registry, and no repository of it is named`,
      }),
    );
  });

  it.each(["nginx", "nginx:1.27", "library/nginx:1.27", "me/some.name"])("is none in %s", (text) => {
    expect(parseLocation(text).registry).toBe("docker.io");
  });
});

describe("what a command takes", () => {
  const name = "localhost:5000/app";
  const ofDigest = `@sha256:${"0".repeat(64)}`;
  const parsers = { parseUntagged, parseRepository, parseContent, parseExplicit };
  const takenBy = (text: string): readonly string[] =>
    Object.entries(parsers).flatMap(([parser, parse]) => {
      try {
        parse(text);
        return [parser];
      } catch (error) {
        expect(error).toMatchObject({ code: "REFERENCE_INVALID" });
        return [];
      }
    });

  it.each([
    [name, ["parseUntagged", "parseRepository"]],
    [`${name}:v1`, ["parseExplicit"]],
    [`${name}${ofDigest}`, ["parseUntagged", "parseContent", "parseExplicit"]],
    [`${name}:v1${ofDigest}`, ["parseExplicit"]],
  ])("is a repository, its content or a name given on purpose: %s", (text, taken) => {
    expect(takenBy(text)).toEqual(taken);
  });
});

describe("what can be listed", () => {
  it.each(["localhost:5000", "registry.example", "localhost", "[::1]:5000"])("is a registry: %s", (text) => {
    expect(parsePlace(text)).toEqual({ registry: text });
  });

  it("is a repository if there is a path", () => {
    const reference: Partial<Reference> = { registry: "localhost:5000", repository: "team/app" };
    expect(parsePlace("localhost:5000/team/app")).toMatchObject({ reference });
  });

  it("may end in a slash", () => {
    expect(parsePlace("localhost:5000/")).toEqual({ registry: "localhost:5000" });
  });

  it.each(["app", "localhost:5000/app:v1"])("is nothing else: %s", (text) => {
    expect(() => parsePlace(text)).toThrow(expect.objectContaining({ code: "REFERENCE_INVALID" }));
  });
});
