import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatPlatform,
  matchesPlatform,
  parsePlatform,
  parsePlatformObject,
  platformToJson,
  type Platform,
} from "./platform.ts";

const word = fc.stringMatching(/^[a-z0-9._-]{1,12}$/);
const known = new Set(["x86_64", "x86-64", "aarch64", "i386", "i686", "armhf", "armel"]);
const platform = fc
  .record(
    { os: word, architecture: word.filter((text) => !known.has(text)), variant: word, osVersion: word },
    { requiredKeys: ["os", "architecture"] },
  )
  .map((value): Platform => value);

describe("parsePlatform and formatPlatform", () => {
  it("are inverse of each other", () => {
    fc.assert(
      fc.property(platform, (value) => {
        expect(parsePlatform(formatPlatform(value))).toEqual(value);
      }),
    );
  });

  it.each([
    ["linux/amd64", { os: "linux", architecture: "amd64" }],
    ["linux/arm64/v8", { os: "linux", architecture: "arm64", variant: "v8" }],
    ["Linux/AMD64", { os: "linux", architecture: "amd64" }],
    ["linux/x86_64", { os: "linux", architecture: "amd64" }],
    ["linux/aarch64", { os: "linux", architecture: "arm64" }],
    ["windows/amd64:10.0.17763.1", { os: "windows", architecture: "amd64", osVersion: "10.0.17763.1" }],
  ])("reads %s", (text, value) => {
    expect(parsePlatform(text)).toEqual(value);
  });

  it.each(["", "linux", "linux/", "/amd64", "linux/arm/", "linux/arm/v7/x", "linux/amd64:", "//"])(
    "refuses %j with OPTION_INVALID",
    (text) => {
      expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
    },
  );
});

describe("matchesPlatform", () => {
  it.each([
    ["linux/amd64", "linux/amd64", true],
    ["linux/amd64", "linux/amd64/v3", true],
    ["linux/amd64/v3", "linux/amd64", false],
    ["linux/amd64", "windows/amd64", false],
    ["linux/arm64", "linux/arm/v8", false],
    ["linux/arm64", "linux/arm64/v8", true],
    ["linux/arm64/v8", "linux/arm64", true],
    ["linux/arm64/v9", "linux/arm64", false],
    ["linux/arm/v7", "linux/arm/v6", false],
    ["windows/amd64:10.0.17763", "windows/amd64:10.0.17763.1", true],
    ["windows/amd64:10.0.17763", "windows/amd64:10.0.20348.1", false],
    ["windows/amd64:10.0.1", "windows/amd64:10.0.17763.1", false],
    ["windows/amd64:10.0", "windows/amd64", false],
  ])("%s wanted, %s there: %s", (wanted, have, expected) => {
    expect(matchesPlatform(parsePlatform(wanted), parsePlatform(have))).toBe(expected);
  });

  it("holds for a platform and itself", () => {
    fc.assert(
      fc.property(platform, (value) => {
        expect(matchesPlatform(value, value)).toBe(true);
      }),
    );
  });
});

describe("parsePlatformObject and platformToJson", () => {
  it("are inverse of each other, with the property names of the image-spec", () => {
    const value = {
      os: "windows",
      architecture: "amd64",
      "os.version": "10.0",
      "os.features": ["win32k"],
      variant: "v1",
    };
    const parsed = parsePlatformObject(value, "manifests[0]");
    expect(parsed).toMatchObject({ osVersion: "10.0", osFeatures: ["win32k"] });
    expect(platformToJson(parsed)).toEqual(value);
  });

  it("take what is missing for unknown, as attestations say it", () => {
    expect(parsePlatformObject({}, "x")).toEqual({ os: "unknown", architecture: "unknown" });
    expect(parsePlatformObject({ os: "", architecture: 1 }, "x")).toEqual({
      os: "unknown",
      architecture: "unknown",
    });
  });

  it.each([null, "linux/amd64", ["linux"]])("refuse %j with MANIFEST_INVALID", (value) => {
    expect(() => parsePlatformObject(value, "x")).toThrow(
      expect.objectContaining({ code: "MANIFEST_INVALID" }),
    );
  });
});
