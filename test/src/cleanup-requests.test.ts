import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { inventory, parsePolicy, type CleanupPolicy } from "@drayage/cleanup";
import { createClient, type Client } from "@drayage/client";
import type { Repository } from "@drayage/oci";
import { createHandler, createMemoryDriver, createRegistry } from "@drayage/registry";
import {
  createArtifact,
  createImage,
  createIndex,
  createRequestLog,
  createScriptedRegistry,
  pushImage,
  type RequestLog,
} from "@drayage/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startDistribution, withoutDistribution } from "./distribution.ts";

const platforms = ["linux/amd64", "linux/arm64", "linux/s390x"];
const tags = 4;
const manifests = 1 + platforms.length;
const byName = parsePolicy({ rules: [{ name: "prs", delete: { tags: "pr-*" } }] });
const byAge = parsePolicy({
  time: "created",
  rules: [{ name: "old", delete: { tags: "pr-*", olderThan: "30d" } }],
});

let client: Client;
beforeEach(() => {
  client = createClient();
});
afterEach(() => client.close());

/** An index for each tag, of which one is a pull request's. */
async function fill(repository: Repository): Promise<void> {
  for (let tag = 0; tag < tags; tag++) {
    const images = platforms.map((platform, at) => createImage({ platform, seed: tag * 10 + at }));
    const index = createIndex({ manifests: images });
    await pushImage(repository, index, { tags: [tag === 0 ? "pr-0" : `v${tag}`] });
  }
}

describe("requests on the wire for the inventory of our registry", () => {
  let log: RequestLog;
  let server: Server;
  let place: string;

  beforeEach(async () => {
    const registry = createRegistry(createMemoryDriver());
    const handler = createHandler(registry);
    server = createServer((request, response) => handler(request, response));
    log = createRequestLog();
    log.watch(server, "registry");
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    place = `127.0.0.1:${typeof address === "object" ? (address?.port ?? 0) : 0}/team/app`;
    await fill(registry.repository("team/app"));
  });
  afterEach(() => {
    server.close();
  });

  const requests = async (policy?: CleanupPolicy): Promise<Readonly<Record<string, number>>> => {
    log.clear();
    const state = await inventory(client.repository(place), { policy });
    expect(state).toMatchObject({ complete: true });
    expect(state.manifests).toHaveLength(tags * manifests);
    return log.kinds();
  };

  it("are a page, one for each index and one for the referrers of each manifest", async () => {
    expect(await requests()).toEqual({
      "GET tags registry": 1,
      "GET manifest registry": tags,
      "GET referrers registry": tags * manifests,
    });
  });

  it("for a policy are those, and for what may go one more each", async () => {
    expect(await requests(byName)).toEqual({
      "GET tags registry": 1,
      "GET manifest registry": tags + platforms.length,
      "GET referrers registry": manifests,
    });
  });

  it("where their age is asked are a configuration more for each image", async () => {
    expect(await requests(byAge)).toEqual({
      "GET tags registry": 1,
      "GET manifest registry": tags + platforms.length,
      "GET blob registry": platforms.length,
      "GET referrers registry": manifests,
    });
  });

  it("page by page are no more but the pages", async () => {
    log.clear();
    const source = client.repository(place);
    const listTagPages: typeof source.listTagPages = (options) =>
      source.listTagPages({ ...options, pageSize: 2 });
    await inventory({ ...source, listTagPages }, { policy: byName });
    expect(log.kinds()).toMatchObject({ "GET tags registry": 2, "GET manifest registry": tags + 3 });
  });
});

describe.skipIf(withoutDistribution !== undefined)(
  `the inventory of the distribution registry${withoutDistribution ?? ""}`,
  () => {
    it("finds tags by HEAD, and referrers by their tags", async () => {
      await using registry = await startDistribution();
      const repository = client.repository(`${registry.host}/team/app`);
      await fill(repository);
      const { descriptor } = await repository.getManifest("pr-0");
      const signature = createArtifact({ artifactType: "test/signature", subject: descriptor });
      await pushImage(repository, signature);
      const state = await inventory(repository, { policy: byName });
      expect(state.tags.map(({ name }) => name)).toContain(descriptor.digest.replace(":", "-"));
      expect(state.manifests.map(({ digest }) => digest)).toContain(signature.document.descriptor.digest);
      expect(repository.listsReferrers).toBe(false);
    });
  },
);

describe("a registry that fails in the middle of an inventory", () => {
  it.each([
    ["the second page of tags", { path: "/v2/team/app/tags/list", nth: 2 }],
    ["an index", { path: "/v2/team/app/manifests/sha256:*", nth: 3 }],
    ["a list of referrers", { path: "/v2/team/app/referrers/*", nth: 2 }],
  ])("by refusing %s leaves it incomplete", async (_what, rule) => {
    const denied = { status: 403, body: '{"errors":[{"code":"DENIED"}]}' };
    await using registry = await createScriptedRegistry();
    await using hostile = createClient({
      network: { lookup: registry.lookup },
      hosts: { [registry.host()]: { plainHttp: true } },
    });
    const repository = hostile.repository(`${registry.host()}/team/app`);
    await fill(repository);
    registry.script([{ ...rule, method: "GET", answer: denied }]);
    const listTagPages: typeof repository.listTagPages = (options) =>
      repository.listTagPages({ ...options, pageSize: 2 });
    const state = await inventory({ ...repository, listTagPages }, { policy: byName });
    expect(state).toMatchObject({ complete: false, problems: [{ code: "DENIED" }] });
  });
});
