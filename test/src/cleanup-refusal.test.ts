import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Repository } from "@drayage/oci";
import { createHandler, createMemoryDriver, createRegistry } from "@drayage/registry";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fillRepository, goingTags, policyText } from "./cleanup-repository.ts";
import { drayage } from "./command-process.ts";
import { freePort } from "./port.ts";

interface Asked {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
}

let directory: string;
let policy: string;
let planFile: string;
let server: Server;
let place: string;
let repository: Repository;
/** Which requests are answered with 403. */
let isRefused: (request: Asked) => boolean;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "drayage-refusal-"));
  policy = join(directory, "policy.yaml");
  planFile = join(directory, "plan.json");
  await writeFile(policy, policyText);
  isRefused = () => false;
  const registry = createRegistry(createMemoryDriver());
  const handler = createHandler(registry);
  server = createServer((request, response) => {
    if (!isRefused(request)) return handler(request, response);
    const body = JSON.stringify({ errors: [{ code: "DENIED", message: "not for you" }] });
    return void response.writeHead(403, { "content-type": "application/json" }).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  place = `127.0.0.1:${typeof address === "object" ? (address?.port ?? 0) : 0}/team/app`;
  repository = registry.repository("team/app");
  await fillRepository(repository);
});

afterEach(async () => {
  server.close();
  await rm(directory, { recursive: true });
});

const goingNow = async (): Promise<number> => {
  const found = await Promise.all(goingTags.map((tag) => repository.headManifest(tag)));
  return found.filter((descriptor) => descriptor !== undefined).length;
};

describe("drayage cleanup", () => {
  test("plans with leave to pull only, and says of each deletion that is refused why", async () => {
    isRefused = ({ method }) => method === "DELETE";
    const planned = await drayage(["cleanup", "plan", policy, place, "-o", planFile]);
    expect(planned).toMatchObject({ status: 0, stderr: "" });
    const { status, stdout } = await drayage(["cleanup", "apply", planFile]);
    expect(status).toBe(3);
    expect(stdout).toContain("refused    pr-1  (denied: ");
    expect(await goingNow()).toBe(goingTags.length);
  });

  test.each([
    ["a manifest", ({ url = "" }: Asked) => url.includes("/manifests/sha256:")],
    ["a list of referrers", ({ url = "" }: Asked) => url.includes("/referrers/")],
  ])("is blocked, and no failure, where the registry refuses %s half way", async (_what, refused) => {
    isRefused = refused;
    const { status, stdout, stderr } = await drayage(["cleanup", "plan", policy, place, "-o", planFile]);
    expect(status).toBe(3);
    expect(stdout).toContain("blocked: incomplete-listing");
    expect(stderr).toContain("(DENIED)");
    isRefused = () => false;
    expect(await drayage(["cleanup", "apply", planFile])).toMatchObject({ status: 3 });
    expect(await goingNow()).toBe(goingTags.length);
  });

  test("is blocked while it applies, if it cannot see any more what it does", async () => {
    await drayage(["cleanup", "plan", policy, place, "-o", planFile]);
    isRefused = ({ url = "" }) => url.includes("/manifests/sha256:");
    const { status, stdout } = await drayage(["cleanup", "apply", planFile]);
    expect({ status, stdout }).toEqual({ status: 3, stdout: `${place}: blocked: incomplete-listing\n` });
    expect(await goingNow()).toBe(goingTags.length);
  });

  test("fails, and is not blocked, where it cannot even begin", async () => {
    const nowhere = `127.0.0.1:${await freePort()}/team/app`;
    const { status, stdout } = await drayage(["cleanup", "plan", policy, nowhere]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  });
});
