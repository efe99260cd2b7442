import { OciError } from "@drayage/oci";
import { expect, it } from "vitest";
import { createScriptedRegistry } from "../scripted/registry.ts";
import { leaksOf } from "./canary.ts";

const secret = "canary-of-the-test";
const base64 = Buffer.from(`me:${secret}`).toString("base64");

it.each<[string, RequestInit, string]>([
  ["a header", { headers: { "x-secret": secret } }, ""],
  ["Basic", { headers: { authorization: `Basic ${base64}` } }, ""],
  ["a query", {}, `?token=${secret}`],
  ["a body", { method: "POST", body: `password=${secret}` }, ""],
])("a secret in %s is found where it does not belong, and not where it does", async (_where, init, query) => {
  await using registry = await createScriptedRegistry({ origins: ["localhost"] });
  await fetch(`${registry.url()}/v2/${query}`, init);
  const { ledger } = registry;
  expect(leaksOf([{ secret, origins: ["other.test"] }], { ledger })).toHaveLength(1);
  expect(leaksOf([{ secret, origins: ["localhost"] }], { ledger })).toEqual([]);
});

it.each<[string, unknown]>([
  [
    "the cause of a cause",
    new OciError("UNKNOWN", "a", { cause: new Error("b", { cause: new Error(secret) }) }),
  ],
  ["a property that is not enumerable", Object.defineProperty({}, "hidden", { value: base64 })],
  ["a list of events", [{ type: "request", url: `https://registry.test/?x=${secret}` }]],
])("a secret in %s is found", (_where, value) => {
  expect(leaksOf([{ secret, origins: [] }], { ledger: [], values: [value] })).toHaveLength(1);
  expect(leaksOf([{ secret: "another", origins: [] }], { ledger: [], values: [value] })).toEqual([]);
});
