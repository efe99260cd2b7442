import { inspect } from "node:util";
import { isOciError, Secret } from "@drayage/oci";
import { describe, expect, test } from "vitest";
import { fromArtifactRegistry } from "./index.ts";

/** For use inside `toMatchObject`, where vitest's own is of type any. */
const containing = (text: string): unknown => expect.stringContaining(text);

const key = JSON.stringify({ type: "service_account", private_key: "canary-private-key" }, null, 2);
const registry = "europe-docker.pkg.dev";

describe("a service account key that is sent itself", () => {
  test("JSON goes with the user _json_key", async () => {
    const credential = await fromArtifactRegistry({ jsonKey: `${key}\n` })({ registry });
    expect(credential).toMatchObject({ type: "basic", username: "_json_key" });
    expect(credential?.type === "basic" && credential.password.reveal()).toBe(key);
  });

  test("base64 goes with the user _json_key_base64, on one line", async () => {
    const base64 = Buffer.from(key).toString("base64");
    const wrapped = `${base64.slice(0, 40)}\n${base64.slice(40)}\n`;
    const credential = await fromArtifactRegistry({ jsonKey: new Secret(wrapped) })({ registry });
    expect(credential).toMatchObject({ type: "basic", username: "_json_key_base64" });
    expect(credential?.type === "basic" && credential.password.reveal()).toBe(base64);
  });

  test("a key that was refused is an error with the roles it needs", async () => {
    const provider = fromArtifactRegistry({ jsonKey: key });
    const rejected = await provider({ registry });
    await expect(provider({ registry, rejected })).rejects.toMatchObject({
      code: "CREDENTIAL_UNAVAILABLE",
      hint: containing("roles/artifactregistry.reader"),
    });
  });

  test.each([
    ["empty", ""],
    ["a path", "/etc/canary-private-key.json"],
    ["cut off", key.slice(0, -3)],
    ["an array", "[]"],
    [
      "credentials of a person",
      JSON.stringify({ type: "authorized_user", refresh_token: "canary-private-key" }),
    ],
    [
      "an account of workload identity",
      JSON.stringify({ type: "external_account", token_url: "canary-private-key" }),
    ],
    ["without a private key", JSON.stringify({ type: "service_account", note: "canary-private-key" })],
    ["base64 of something else", Buffer.from("canary-private-key").toString("base64")],
  ])("%s is refused when it is given, and not quoted (C30)", (_what, jsonKey) => {
    let error: unknown;
    try {
      fromArtifactRegistry({ jsonKey });
    } catch (thrown) {
      error = thrown;
    }
    expect(isOciError(error, "OPTION_INVALID") && error.hint).toContain("service account");
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/canary|Y2FuYXJ5/);
  });

  test("`auth` and `jsonKey` together contradict each other", () => {
    const auth = { getAccessToken: () => Promise.resolve("token") };
    expect(() => fromArtifactRegistry({ auth, jsonKey: key })).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  });
});
