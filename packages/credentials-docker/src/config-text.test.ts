import { describe, expect, it } from "vitest";
import { canary, expectFailure } from "../fixture/canary.ts";
import { changeEntries, entryWith } from "./config-text.ts";

const source = "config.json";

function changed(text: string | undefined): string | undefined {
  const content = text === undefined ? undefined : new TextEncoder().encode(text);
  const bytes = changeEntries(content, {
    source,
    change: (entries) => ({ ...entries, "reg.example": { auth: "x" } }),
  });
  return bytes && new TextDecoder().decode(bytes);
}

describe("changeEntries", () => {
  it.each([undefined, "", "\n", "{}"])("makes a configuration of %j", (text) => {
    expect(changed(text)).toBe('{\n\t"auths": {\n\t\t"reg.example": {\n\t\t\t"auth": "x"\n\t\t}\n\t}\n}\n');
  });

  it("keeps everything else, numbers to the last digit, in its order", () => {
    const rest =
      '"detachKeys":"ctrl-e","big":9007199254740993,"float":1.0,"exp":1e400,"deep":{"__proto__":{"a":[]}}';
    const text = changed(`{${rest},"auths":{"other.example":{"auth":"y","n":0.10}}}`);
    const compact = text?.replaceAll(/[\n\t]|(?<=:) /g, "");
    expect(compact).toBe(
      `{${rest},"auths":{"other.example":{"auth":"y","n":0.10},"reg.example":{"auth":"x"}}}`,
    );
  });

  it("makes nothing of a configuration that has the entry", () => {
    expect(changed('{"auths": {"reg.example": {"auth": "x"}}}')).toBeUndefined();
  });

  it.each([`{"auths": {"reg.example": "${canary}"`, `["${canary}"]`, `{"auths": "${canary}"}`])(
    "refuses to overwrite %s (docker/cli#5075)",
    (text) => {
      let failure: unknown;
      try {
        changed(text);
      } catch (error) {
        failure = error;
      }
      expectFailure(failure, source);
    },
  );
});

describe("entryWith", () => {
  it("replaces what is a credential and keeps the rest", () => {
    const entry = {
      auth: "a",
      username: "b",
      password: "c",
      identitytoken: "d",
      registrytoken: "e",
      email: "f",
    };
    expect(entryWith(entry, { auth: "new" })).toEqual({ email: "f", auth: "new" });
    expect(entryWith(undefined, {})).toEqual({});
  });
});
