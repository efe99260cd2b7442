import { randomUUID } from "node:crypto";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { openS3Driver } from "@drayage/registry-s3";
import { storageDriverContract } from "@drayage/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSwift, withoutSwift, type Swift } from "./swift.ts";

const bucket = "drayage";

describe.skipIf(withoutSwift !== undefined)(`OpenStack Swift${withoutSwift ?? ""}`, () => {
  let swift: Swift;
  beforeAll(async () => {
    swift = await startSwift();
    const { endpoint, credentials } = swift;
    const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    client.destroy();
  }, 120_000);
  afterAll(() => swift?.close());

  const open = (prefix: string) =>
    openS3Driver({ bucket, prefix, endpoint: swift.endpoint, credentials: swift.credentials });

  test("has no conditional writes, so that one process at a time may use it", async () => {
    const driver = await open("probed");
    expect(driver.capabilities.conditionalPut).toBe(false);
    expect(driver.exclusive).toBe(true);
  });

  storageDriverContract({
    name: "S3, OpenStack Swift",
    async open() {
      const prefix = randomUUID();
      return { driver: await open(prefix), reopen: () => open(prefix) };
    },
  });
});
