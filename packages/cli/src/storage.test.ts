import { describe, expect, test } from "vitest";
import { openStorage, parseStorage } from "./storage.ts";

describe("--storage", () => {
  test.each([
    ["memory:", { kind: "memory" }],
    ["./data", { kind: "directory", path: "./data" }],
    ["/var/lib/drayage", { kind: "directory", path: "/var/lib/drayage" }],
    ["s3://images", { kind: "s3", bucket: "images", prefix: "" }],
    ["s3://images/", { kind: "s3", bucket: "images", prefix: "" }],
    ["s3://my.images-1/team/registry", { kind: "s3", bucket: "my.images-1", prefix: "team/registry" }],
  ])("%s is %j", (text, storage) => {
    expect(parseStorage(text)).toEqual(storage);
  });

  test.each([
    "",
    "memory:x",
    "s3:",
    "s3://",
    "s3://A",
    "s3:///prefix",
    "s3://a_b/c",
    "gs://bucket",
    "file:///x",
  ])("%j is refused", (text) => {
    expect(() => parseStorage(text)).toThrow("--storage needs a directory, memory: or s3://BUCKET/PREFIX");
  });

  test("to be served read-only is opened without a request", async () => {
    const storage = parseStorage("s3://images/registry");
    const driver = await openStorage(storage, { s3Endpoint: "http://127.0.0.1:1", isReadOnly: true });
    expect(driver.exclusive).toBe(true);
  });

  test("that cannot be reached is UNAVAILABLE", async () => {
    const aborted = { s3Endpoint: "http://127.0.0.1:1", isReadOnly: false };
    await expect(openStorage(parseStorage("s3://images"), aborted)).rejects.toMatchObject({
      code: "UNAVAILABLE",
    });
  });
});
