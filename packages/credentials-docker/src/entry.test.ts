import { describe, expect, it } from "vitest";
import { canary, expectFailure } from "../fixture/canary.ts";
import { authOf } from "../fixture/machine.ts";
import { formatAuth, parseEntry } from "./entry.ts";

const source = 'auths["reg.example"] in config.json';

function revealed(entry: unknown): unknown {
  const credential = parseEntry(entry, source);
  if (credential === undefined) return undefined;
  return credential.type === "basic"
    ? [credential.type, credential.username, credential.password.reveal()]
    : [credential.type, credential.token.reveal()];
}

function failureOfEntry(entry: unknown): unknown {
  try {
    return parseEntry(entry, source);
  } catch (error) {
    return error;
  }
}

describe("an entry of auths", () => {
  it.each([
    { name: "auth", entry: { auth: authOf("me", "pass") }, is: ["basic", "me", "pass"] },
    {
      name: "auth, split at its first colon",
      entry: { auth: authOf("me", "a:b") },
      is: ["basic", "me", "a:b"],
    },
    {
      name: "auth with NULs behind it",
      entry: { auth: authOf("me", "pass\0\0") },
      is: ["basic", "me", "pass"],
    },
    { name: "auth without padding", entry: { auth: "bWU6cGFzcw" }, is: ["basic", "me", "pass"] },
    { name: "auth in several lines", entry: { auth: "bWU6\r\ncGFzcw==\n" }, is: ["basic", "me", "pass"] },
    { name: "auth with an empty password", entry: { auth: authOf("me", "") }, is: ["basic", "me", ""] },
    { name: "auth beyond ASCII", entry: { auth: authOf("mé", "pässwört") }, is: ["basic", "mé", "pässwört"] },
    {
      name: "username and password",
      entry: { username: "me", password: "pass" },
      is: ["basic", "me", "pass"],
    },
    {
      name: "auth before username and password",
      entry: { username: "other", password: "other", auth: authOf("me", "pass") },
      is: ["basic", "me", "pass"],
    },
    { name: "identitytoken", entry: { identitytoken: "t" }, is: ["refresh-token", "t"] },
    {
      name: "identitytoken beside the empty password of Azure",
      entry: { auth: authOf("00000000-0000-0000-0000-000000000000", ""), identitytoken: "t" },
      is: ["refresh-token", "t"],
    },
    { name: "registrytoken", entry: { registrytoken: "t", identitytoken: "u" }, is: ["bearer", "t"] },
    { name: "nothing", entry: {}, is: undefined },
    { name: "empty text", entry: { auth: "", identitytoken: "", email: "me@example.com" }, is: undefined },
  ])("can be $name", ({ entry, is }) => {
    expect(revealed(entry)).toEqual(is);
  });

  it.each([
    { name: "no object", entry: canary },
    { name: "an array", entry: [canary] },
    { name: "auth of another type", entry: { auth: { canary } } },
    { name: "a token of another type", entry: { identitytoken: 1 } },
    { name: "auth that is not base64", entry: { auth: `!!${authOf("me", canary)}$$` } },
    { name: "auth that is URL-safe base64", entry: { auth: "_-_-" } },
    { name: "auth without a colon", entry: { auth: Buffer.from(canary).toString("base64") } },
    { name: "auth that is not UTF-8", entry: { auth: Buffer.from([0x61, 0x3a, 0xff]).toString("base64") } },
    { name: "auth without a user", entry: { auth: authOf("", canary) } },
    { name: "a password without a user", entry: { password: canary } },
    { name: "a user with a colon", entry: { username: "a:b", password: canary } },
    { name: "a token with a line break", entry: { registrytoken: `${canary}\r\nX-Evil: 1` } },
    { name: "a token beyond ASCII", entry: { identitytoken: `${canary}é` } },
  ])("that is $name is an error that names the place and no secret", ({ entry }) => {
    expectFailure(failureOfEntry(entry), source);
  });

  it("takes nothing from a prototype (C21)", () => {
    const entry: unknown = JSON.parse(`{"__proto__": {"auth": "${authOf("me", "pass")}"}}`);
    expect(parseEntry(entry, source)).toBeUndefined();
  });

  it("is read as it was formatted", () => {
    expect(revealed({ auth: formatAuth("me", "a:b") })).toEqual(["basic", "me", "a:b"]);
  });
});
