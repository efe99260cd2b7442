import { createClient } from "@drayage/client";
import { createHandler, createRegistry, listen, type Handler } from "@drayage/registry";
import { openS3Driver, type S3DriverOptions } from "@drayage/registry-s3";
import {
  createImage,
  createS3Emulator,
  pushImage,
  repositoryContract,
  type OpenedSubject,
} from "@drayage/testkit";
import { expect, onTestFinished, test } from "vitest";

/** A registry for each of the options, over one bucket: every request meets the next of them. */
async function overOneBucket(...instances: readonly Partial<S3DriverOptions>[]): Promise<OpenedSubject> {
  const s3 = await createS3Emulator();
  const { bucket, endpoint, identity, region } = s3;
  const handlers: Handler[] = [];
  for (const options of instances) {
    const driver = await openS3Driver({ bucket, endpoint, region, credentials: identity, ...options });
    handlers.push(createHandler(createRegistry(driver)));
  }
  let requests = 0;
  const server = await listen((...exchange) => handlers[requests++ % handlers.length]?.(...exchange));
  const client = createClient();
  return {
    registry: client.registry(server.host),
    async close() {
      await client.close();
      await server.close();
      await s3.close();
    },
  };
}

repositoryContract({
  name: "two registries over one bucket in turns, of which one leads to it",
  // Of what the interfaces promise, what the distribution-spec has no request for.
  traits: { inventory: false },
  open: () => overOneBucket({}, { redirectFor: 60 }),
});

test.each([
  ["asks to slow down", { answer: { status: 503, code: "SlowDown" } }],
  ["fails", { answer: { status: 500, code: "InternalError" } }],
  ["loses every answer", { loseAnswer: true }],
])(
  "a bucket that %s is 503 with Retry-After, and nothing is lost when it is well again",
  async (_how, fault) => {
    const s3 = await createS3Emulator();
    const { bucket, endpoint, identity: credentials, region } = s3;
    const driver = await openS3Driver({ bucket, endpoint, region, credentials, maxAttempts: 2 });
    onTestFinished(async () => {
      driver.close();
      await s3.close();
    });
    const registry = createRegistry(driver);
    const image = createImage();
    await pushImage(registry.repository("a"), image, { tags: ["v1"] });
    await using server = await listen(createHandler(registry));
    const manifest = `${server.url}/v2/a/manifests/v1`;
    const uploads = `${server.url}/v2/a/blobs/uploads/`;
    const opened = await fetch(uploads, { method: "POST" });
    const upload = server.url + (opened.headers.get("location") ?? "");
    const askAll = async (): Promise<readonly Response[]> => [
      await fetch(manifest),
      await fetch(`${server.url}/v2/a/tags/list`),
      await fetch(uploads, { method: "POST" }),
      await fetch(upload, { method: "PATCH", body: "hello" }),
      await fetch(manifest, { method: "PUT", body: Buffer.from(image.document.bytes) }),
    ];
    s3.fail(fault);
    for (const answer of await askAll()) {
      expect([answer.status, Number(answer.headers.get("retry-after")) > 0]).toEqual([503, true]);
      expect(await answer.json()).toMatchObject({ errors: [{ code: "UNKNOWN" }] });
    }
    s3.fail();
    for (const answer of await askAll()) {
      expect(answer.ok).toBe(true);
      await answer.arrayBuffer();
    }
  },
);
