import { describe, expect, it } from "vitest";
import { parseImageConfig } from "./image-config.ts";

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const diffId = `sha256:${"a".repeat(64)}`;

describe("parseImageConfig", () => {
  it("reads what image-spec config.md names", () => {
    const value = {
      created: "2020-01-01T00:00:00Z",
      os: "linux",
      architecture: "arm64",
      variant: "v8",
      config: { Env: ["A=b"], Entrypoint: ["/bin/sh"], Cmd: ["-c"], Labels: { a: "b" } },
      rootfs: { type: "layers", diff_ids: [diffId] },
    };
    const { labels, ...config } = parseImageConfig(bytes(value));
    expect(config).toEqual({
      platform: { os: "linux", architecture: "arm64", variant: "v8" },
      created: "2020-01-01T00:00:00Z",
      diffIds: [diffId],
      env: ["A=b"],
      entrypoint: ["/bin/sh"],
      cmd: ["-c"],
    });
    expect(Object.entries(labels)).toEqual([["a", "b"]]);
  });

  it("takes what is missing, or null as Go writes it, for empty", () => {
    const { labels, ...config } = parseImageConfig(bytes({ config: null, rootfs: { diff_ids: null } }));
    expect(config).toEqual({
      platform: { os: "unknown", architecture: "unknown" },
      diffIds: [],
      env: [],
      entrypoint: [],
      cmd: [],
    });
    expect(Object.keys(labels)).toEqual([]);
  });

  it("leaves out what is not of the right type", () => {
    const config = { Env: ["A=b", 1, null], Labels: { a: 1, b: "c" } };
    const parsed = parseImageConfig(
      bytes({ created: 5, config, rootfs: { diff_ids: [diffId, "sha256:../x"] } }),
    );
    expect(parsed).toMatchObject({ env: ["A=b"], diffIds: [diffId] });
    expect(parsed.created).toBeUndefined();
    expect(Object.keys(parsed.labels)).toEqual(["b"]);
  });

  it("keeps __proto__ a label like any other (C21)", () => {
    const text = '{"config":{"Labels":{"__proto__":"x"}}}';
    const { labels } = parseImageConfig(new TextEncoder().encode(text));
    expect(Object.entries(labels)).toEqual([["__proto__", "x"]]);
    expect(labels["toString"]).toBeUndefined();
  });

  it.each([[[]], ["text"], [null]])("refuses %j with MANIFEST_INVALID", (value) => {
    expect(() => parseImageConfig(bytes(value))).toThrow(
      expect.objectContaining({ code: "MANIFEST_INVALID" }),
    );
  });
});
