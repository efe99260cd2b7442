import { describe, expect, it } from "vitest";
import { matchingKeys, registryOfKey, serverKeyOf } from "./keys.ts";

describe("matchingKeys", () => {
  it.each([
    { key: "reg.example", registry: "reg.example", repository: "team/app" },
    { key: "reg.example:5000", registry: "reg.example:5000", repository: "app" },
    { key: "reg.example/team", registry: "reg.example", repository: "team" },
    { key: "reg.example/team", registry: "reg.example", repository: "team/app" },
    { key: "reg.example/team/app", registry: "reg.example", repository: "team/app" },
    { key: "https://reg.example", registry: "reg.example" },
    { key: "https://reg.example/", registry: "reg.example" },
    { key: "https://reg.example/v1/", registry: "reg.example" },
    { key: "https://reg.example/v2", registry: "reg.example" },
    { key: "HTTP://Reg.Example/v2/", registry: "reg.example" },
    { key: "reg.example/v2/", registry: "reg.example" },
    { key: "[::1]:5000", registry: "[::1]:5000" },
    { key: "index.docker.io", registry: "docker.io", repository: "library/alpine" },
    { key: "registry-1.docker.io", registry: "docker.io" },
    { key: "docker.io/library", registry: "docker.io", repository: "library/alpine" },
  ])("takes $key for $registry and $repository", ({ key, registry, repository }) => {
    expect(matchingKeys([key], { registry, repository })).toEqual([key]);
  });

  // The last of these is the prefix match of other keyrings, by which one team reads what another's secret may.
  it.each([
    { key: "reg.example", registry: "reg.example:5000" },
    { key: "reg.example:5000", registry: "reg.example" },
    { key: "reg.example", registry: "sub.reg.example" },
    { key: "reg.example", registry: "reg.example.evil.example" },
    { key: "reg.example/team", registry: "reg.example" },
    { key: "reg.example/team/app", registry: "reg.example", repository: "team" },
    { key: "reg.example/v2", registry: "reg.example", repository: "team/app" },
    { key: "reg.example//team", registry: "reg.example", repository: "team/app" },
    { key: "user@reg.example", registry: "reg.example" },
    { key: "reg.example?x", registry: "reg.example" },
    { key: "", registry: "reg.example" },
    { key: "reg.example/team", registry: "reg.example", repository: "team-evil/app" },
  ])("does not take $key for $registry and $repository", ({ key, registry, repository }) => {
    expect(matchingKeys([key], { registry, repository })).toEqual([]);
  });

  it("puts the longest path first, then the registry's own name, https, http, and the rest sorted", () => {
    const keys = [
      "http://reg.example",
      "https://reg.example/v2/",
      "https://reg.example",
      "https://reg.example/v1/",
      "reg.example",
      "reg.example/team",
      "reg.example/team/app",
    ];
    const inOrder = [
      "reg.example/team/app",
      "reg.example/team",
      "reg.example",
      "https://reg.example",
      "http://reg.example",
      "https://reg.example/v1/",
      "https://reg.example/v2/",
    ];
    const wanted = { registry: "reg.example", repository: "team/app" };
    expect(matchingKeys(keys, wanted)).toEqual(inOrder);
    expect(matchingKeys(keys.toReversed(), wanted)).toEqual(inOrder);
  });

  it("looks for Docker Hub under every name it has, docker's own first", () => {
    const inOrder = ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"];
    expect(matchingKeys(inOrder.toReversed(), { registry: "docker.io" })).toEqual(inOrder);
  });

  it("never takes Docker Hub's key for another registry (CVE-2021-41092)", () => {
    expect(matchingKeys(["https://index.docker.io/v1/", "docker.io"], { registry: "reg.example" })).toEqual(
      [],
    );
  });

  it("passes over the state that docker's browser login keeps beside Docker Hub's credential", () => {
    const keys = ["https://index.docker.io/v1/access-token", "https://index.docker.io/v1/refresh-token"];
    expect(matchingKeys(keys, { registry: "docker.io", repository: "v1/access-token" })).toEqual([]);
    expect(keys.map(registryOfKey)).toEqual([undefined, undefined]);
  });
});

describe("serverKeyOf", () => {
  it("is the registry, but a URL for Docker Hub", () => {
    expect(serverKeyOf("reg.example:5000")).toBe("reg.example:5000");
    expect(serverKeyOf("docker.io")).toBe("https://index.docker.io/v1/");
  });
});
