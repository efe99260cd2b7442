import { describe, expect, test } from "vitest";
import { countsOf, openEmulated } from "../fixture/emulated.ts";

const one = Buffer.from("one");
const two = Buffer.from("two");

test("documents are objects below the prefix", async () => {
  const { s3, driver } = await openEmulated();
  await driver.documents.put("repos/a/_tags/Latest", one);
  expect([...s3.content.objects.keys()]).toEqual(["registry/documents/repos/a/_tags/Latest"]);
});

describe("a conditional write", () => {
  test("is one request", async () => {
    const { s3, driver } = await openEmulated();
    await driver.documents.put("a/b", one, { ifNoneMatch: "*" });
    expect(countsOf(s3)).toEqual({ "PutObject documents": 1 });
  });

  test("whose answer was lost has succeeded", async () => {
    const { s3, driver } = await openEmulated();
    s3.fail({ operation: "PutObject", nth: [1, 3], loseAnswer: true });
    const first = await driver.documents.put("a/b", one, { ifNoneMatch: "*" });
    expect(first).toBeDefined();
    expect(await driver.documents.put("a/b", two, { ifMatch: first })).toBeDefined();
    expect((await driver.documents.get("a/b"))?.bytes.toString()).toBe("two");
  });

  test("whose answer was lost, and which has met another one since, has not", async () => {
    const { s3, driver } = await openEmulated();
    s3.fail({ operation: "PutObject", nth: 1, answer: { status: 500, code: "InternalError" } });
    const put = driver.documents.put("a/b", one, { ifNoneMatch: "*" });
    await driver.documents.put("a/b", two);
    expect(await put).toBeUndefined();
  });

  test("that meets another at the same moment is tried again", async () => {
    const { s3, driver } = await openEmulated();
    const answer = { status: 409, code: "ConditionalRequestConflict" };
    s3.fail({ operation: "PutObject", nth: [1, 2], answer });
    expect(await driver.documents.put("a/b", one, { ifNoneMatch: "*" })).toBeDefined();
    s3.fail({ operation: "PutObject", answer });
    await expect(driver.documents.put("a/b", two, { ifNoneMatch: "*" })).rejects.toMatchObject({
      code: "UNAVAILABLE",
    });
  });

  test("of what changes between the look and the delete does not delete it", async () => {
    const { s3, driver } = await openEmulated();
    const etag = await driver.documents.put("a/b", one);
    const before = async () => void (await driver.documents.put("a/b", two));
    s3.fail({ operation: "DeleteObject", nth: 1, before });
    expect(await driver.documents.delete("a/b", { ifMatch: etag })).toBe("changed");
    expect((await driver.documents.get("a/b"))?.bytes.toString()).toBe("two");
  });
});

describe("failures", () => {
  test.each([
    [403, "AccessDenied", "UNAVAILABLE"],
    [503, "SlowDown", "UNAVAILABLE"],
    [404, "NoSuchBucket", "UNAVAILABLE"],
    [507, "InsufficientStorage", "STORAGE_FULL"],
    [403, "QuotaExceeded", "STORAGE_FULL"],
  ])("with %d %s are %s, and no absence", async (status, code, expected) => {
    const { s3, driver } = await openEmulated({ maxAttempts: 1 });
    s3.fail({ answer: { status, code } });
    await expect(driver.documents.put("a/b", one)).rejects.toMatchObject({ code: expected });
    await expect(driver.documents.get("a/b")).rejects.toMatchObject({ code: expected });
    await expect(driver.documents.list("a/", { limit: 1 })).rejects.toMatchObject({ code: expected });
  });

  test("that pass are not seen", async () => {
    const { s3, driver } = await openEmulated();
    await driver.documents.put("a/b", one);
    s3.fail(
      { operation: "GetObject", nth: 1, answer: { status: 503, code: "SlowDown" } },
      { operation: "GetObject", nth: 2, cutAfter: 1 },
    );
    expect((await driver.documents.get("a/b"))?.bytes.toString()).toBe("one");
  });

  test("of a bucket that is away are UNAVAILABLE", async () => {
    const { s3, driver } = await openEmulated({ maxAttempts: 1 });
    await s3.close();
    await expect(driver.documents.get("a/b")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});
