import { describe, expect, it } from "vitest";
import { canary, expectFailure } from "../fixture/canary.ts";
import { helperFor, parseDockercfg, parseDockerConfig, type DockerConfig } from "./config-file.ts";

const origin = { source: "/home/me/.docker/config.json", isExposed: false };

function parse(text: string): DockerConfig {
  return parseDockerConfig(new TextEncoder().encode(text), origin);
}

function failureOfText(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    return error;
  }
}

describe("parseDockerConfig", () => {
  it.each(["", " \n\t", "{}", '{"auths": null, "credHelpers": null, "credsStore": ""}'])(
    "takes %j for an empty configuration",
    (text) => {
      const config = parse(text);
      expect([config.auths.size, config.credHelpers.size, config.credsStore]).toEqual([0, 0, undefined]);
    },
  );

  it.each([
    `{"auths": {"a": {"auth": "${canary}"`,
    `{"auths": ${canary}}`,
    `"${canary}"`,
    `[{"auths": "${canary}"}]`,
    `{"auths": "${canary}"}`,
    `{"credHelpers": ["${canary}"]}`,
    `{"credsStore": {"${canary}": 1}}`,
    `${"[".repeat(100)}"${canary}"${"]".repeat(100)}`,
    `\u{feff}{"auths": {"a": "${canary}"}}`,
  ])("refuses %s, naming the file and showing none of it", (text) => {
    expectFailure(failureOfText(text), origin.source);
  });

  it("keeps an entry that is broken for those who ask for it", () => {
    const config = parse(
      '{"auths": {"good.example": {}, "bad.example": 1}, "credHelpers": {"bad.example": 1}}',
    );
    expect([...config.auths.keys()]).toEqual(["good.example", "bad.example"]);
    expect(helperFor(config, "good.example")).toBeUndefined();
    expect(() => helperFor(config, "bad.example")).toThrow('credHelpers["bad.example"] in /home/me');
  });

  it("knows no entry that a prototype provides (C21)", () => {
    const config = parse(
      '{"__proto__": {"credsStore": "evil", "auths": {"a": {}}}, "auths": {"__proto__": {}}}',
    );
    expect([config.auths.size, config.auths.has("__proto__"), config.auths.has("constructor")]).toEqual([
      1,
      true,
      false,
    ]);
    expect(config.credsStore).toBeUndefined();
    expect(Object.hasOwn(Object.prototype, "credsStore")).toBe(false);
  });
});

describe("parseDockercfg", () => {
  it("takes every property for an entry", () => {
    const config = parseDockercfg(new TextEncoder().encode('{"reg.example": {"auth": "x"}}'), origin);
    expect([...config.auths.keys()]).toEqual(["reg.example"]);
  });
});

describe("helperFor", () => {
  const config = parse(
    JSON.stringify({
      credsStore: "desktop",
      credHelpers: { "reg.example": "own", "https://index.docker.io/v1/": "hub", "exempt.example": "" },
    }),
  );

  it("prefers the registry's own helper to the one for all", () => {
    expect(helperFor(config, "reg.example")?.name).toBe("own");
    expect(helperFor(config, "other.example")?.name).toBe("desktop");
  });

  it("finds Docker Hub's helper under docker's name for it", () => {
    expect(helperFor(config, "docker.io")?.name).toBe("hub");
  });

  it("takes the empty name for an exemption from the helper for all", () => {
    expect(helperFor(config, "exempt.example")).toBeUndefined();
  });
});
