import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Repository } from "@drayage/oci";
import { createHandler, createMemoryDriver, createRegistry } from "@drayage/registry";
import { createImage, pushImage } from "@drayage/testkit";
import { expect, onTestFinished, test } from "vitest";
import { drayage } from "./command-process.ts";

const image = createImage();
const next = createImage({ seed: 1 });

/** A registry with `app:v1`, which calls `onRequest` for what it is asked. */
async function serve(onRequest: (method: string, url: string, app: Repository) => Promise<unknown>) {
  const registry = createRegistry(createMemoryDriver());
  const repository = registry.repository("app");
  await pushImage(repository, next);
  await pushImage(repository, image, { tags: ["v1"] });
  const handler = createHandler(registry);
  const server = createServer((request, response) => {
    void onRequest(request.method ?? "", request.url ?? "", repository).then(() =>
      handler(request, response),
    );
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const changes = [
  {
    what: "has moved",
    change: (app: Repository) => app.putManifest(next.document, { tags: ["v1"] }),
    told: `has moved to ${next.document.descriptor.digest}`,
  },
  { what: "was deleted", change: (app: Repository) => app.deleteTag("v1"), told: "was deleted" },
];

test.each(changes)(
  "copy --recheck tells that a tag $what meanwhile, and ends with 3",
  async ({ change, told }) => {
    const { host } = await serve(async (method, _url, app) => (method === "PUT" ? change(app) : undefined));
    const { status, stdout } = await drayage(["copy", "--recheck", `${host}/app:v1`, `${host}/copy:v1`]);
    expect([status, stdout]).toEqual([3, expect.stringContaining(told)]);
  },
);

test("copy does not ask again unless it is told to", async () => {
  const asked: string[] = [];
  const { host } = await serve(async (method, url) => asked.push(`${method} ${url}`));
  const args = ["copy", "--quiet", `${host}/app:v1`, `${host}/copy:v1`];
  expect((await drayage([...args, "--recheck"])).status).toBe(0);
  expect(asked.at(-1)).toBe("HEAD /v2/app/manifests/v1");
  expect((await drayage(args)).status).toBe(0);
  expect(asked.slice(-2).toSorted()).toEqual(["GET /v2/app/manifests/v1", "HEAD /v2/copy/manifests/v1"]);
});
