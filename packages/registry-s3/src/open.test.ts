import { bytesOf, digestOf } from "@drayage/oci";
import { createS3Emulator } from "@drayage/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { openEmulated, optionsFor, uploaded } from "../fixture/emulated.ts";
import { openS3Driver } from "./driver.ts";

const small = Buffer.from("0123456789");

describe("opening a bucket", () => {
  test.each([
    [{}, { conditionalPut: true, conditionalDelete: true }, false],
    [{ conditionalDelete: "ignored" }, { conditionalPut: true, conditionalDelete: false }, false],
    [{ conditionalPut: "ignored" }, { conditionalPut: false, conditionalDelete: true }, true],
    [
      { conditionalPut: "refused", conditionalDelete: "refused" },
      { conditionalPut: false, conditionalDelete: false },
      true,
    ],
  ] as const)("finds out what the store can do: %j", async (traits, capabilities, exclusive) => {
    const { s3, driver } = await openEmulated({ traits });
    expect(driver.capabilities).toEqual(capabilities);
    expect(driver.exclusive).toBe(exclusive);
    expect(s3.content.objects.size).toBe(0);
  });

  test.each([
    [{ bucket: "other" }, "NoSuchBucket"],
    [{ credentials: { accessKeyId: "emulated", secretAccessKey: "wrong" } }, "SignatureDoesNotMatch"],
    [{ region: "eu-central-1" }, "AuthorizationHeaderMalformed"],
  ])("that cannot be used fails: %j", async (options, reason) => {
    const s3 = await createS3Emulator();
    onTestFinished(() => s3.close());
    const opening = openS3Driver({ ...optionsFor(s3), ...options });
    const message = `the bucket cannot be used: ${reason}`;
    await expect(opening).rejects.toMatchObject({ code: "UNAVAILABLE", message });
  });

  test("with parts that S3 would refuse is OPTION_INVALID", async () => {
    await expect(openS3Driver({ bucket: "bucket", partSize: 1024 })).rejects.toMatchObject({
      code: "OPTION_INVALID",
    });
  });

  test("ends with the reason of its signal", async () => {
    const s3 = await createS3Emulator();
    onTestFinished(() => s3.close());
    const reason = new Error("enough");
    await expect(openS3Driver({ ...optionsFor(s3), signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe("keys", () => {
  test.each([
    [undefined, "documents/a/b"],
    ["", "documents/a/b"],
    ["x", "x/documents/a/b"],
    ["x/y/", "x/y/documents/a/b"],
  ])("begin with the prefix %j", async (prefix, key) => {
    const { s3, driver } = await openEmulated({ prefix });
    await driver.documents.put("a/b", small);
    expect([...s3.content.objects.keys()]).toEqual([key]);
    expect(await driver.documents.list("a/", { limit: 9 })).toEqual({ keys: ["a/b"], more: false });
  });
});

describe("checksums", () => {
  test.each([
    [undefined, undefined],
    ["required", undefined],
    ["always", "CRC32"],
  ] as const)("with %j: %j", async (checksums, algorithm) => {
    const { s3, driver } = await openEmulated({ checksums });
    await driver.documents.put("a/b", small);
    expect(s3.ledger[0]?.headers["x-amz-sdk-checksum-algorithm"]).toBe(algorithm);
    expect((await driver.documents.get("a/b"))?.bytes.toString()).toBe("0123456789");
  });
});

describe("a URL of a blob", () => {
  test("is there only where it is wanted", async () => {
    const { driver } = await openEmulated();
    expect(Object.keys(driver.blobs)).not.toContain("locate");
  });

  test("is good for whoever has it, for that blob and that long", async () => {
    let ahead = 0;
    const { driver } = await openEmulated({ redirectFor: 60, now: () => Date.now() + ahead });
    await driver.blobs.commit(await uploaded(driver, bytesOf(small)), digestOf(small), { verify: true });
    const url = (await driver.blobs.locate?.(digestOf(small))) ?? "";
    expect(await (await fetch(url)).text()).toBe("0123456789");
    expect(await (await fetch(url, { headers: { range: "bytes=2-4" } })).text()).toBe("234");
    expect((await fetch(url, { method: "DELETE" })).status).toBe(403);
    expect((await fetch(url.replace("/data/", "/blobs/"))).status).toBe(403);
    expect((await fetch(url, { headers: { authorization: "Bearer token" } })).status).toBe(400);
    ahead = 61_000;
    expect((await fetch(url)).status).toBe(403);
  });

  test("of a blob that is absent is undefined", async () => {
    const { driver } = await openEmulated({ redirectFor: 60 });
    expect(await driver.blobs.locate?.(digestOf(small))).toBeUndefined();
  });
});
