import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  applyCleanup,
  formatPlan,
  inventory,
  parsePolicy,
  planCleanup,
  type CleanupPlan,
} from "@drayage/cleanup";
import { childrenOf, parseManifest, type Digest, type Repository } from "@drayage/oci";
import { createHandler, createMemoryDriver, createRegistry } from "@drayage/registry";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fillRepository, goingTags, keptManifests, keptTags, policyText } from "./cleanup-repository.ts";
import { startDrayage, textOf } from "./command-process.ts";

/** What happens to a `DELETE` in place of being answered; counted from 1. */
type OnDelete = (nth: number, answer: () => void) => void;

let directory: string;
let server: Server;
let host: string;
let repository: Repository;
let onDelete: OnDelete;
const policy = parsePolicy(policyText);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "drayage-kill-"));
  onDelete = (_nth, answer) => answer();
  let nth = 0;
  const registry = createRegistry(createMemoryDriver());
  const handler = createHandler(registry);
  server = createServer((request, response) => {
    const answer = (): void => handler(request, response);
    if (request.method === "DELETE") onDelete(++nth, answer);
    else answer();
  });
  repository = registry.repository("team/app");
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  host = `127.0.0.1:${typeof address === "object" ? (address?.port ?? 0) : 0}`;
  await fillRepository(repository);
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true });
});

async function makePlan(): Promise<CleanupPlan> {
  const now = Date.now();
  return planCleanup(await inventory(repository, { name: `${host}/team/app`, policy, now }), policy, { now });
}

/** Everything below a tag or digest that is not there. */
async function missingBelow(at: string): Promise<readonly Digest[]> {
  const { bytes, descriptor } = await repository.getManifest(at);
  const missing: Digest[] = [];
  for (const { digest } of childrenOf(parseManifest(bytes, descriptor.mediaType)).manifests) {
    const found = await repository.headManifest(digest);
    missing.push(...(found === undefined ? [digest] : await missingBelow(digest)));
  }
  return missing;
}

async function expectWhole(): Promise<void> {
  for (const at of [...keptTags, ...keptManifests]) expect(await missingBelow(at)).toEqual([]);
}

/** How many deletions the plan has, whatever repository of this kind it is for. */
const deletions = 9;

describe("drayage cleanup apply, killed with SIGKILL", () => {
  test.each(Array.from({ length: deletions }, (_, index) => index + 1))(
    "at deletion %i, has broken nothing, and the next run finishes",
    async (nth) => {
      const plan = await makePlan();
      expect(plan.operations).toHaveLength(deletions);
      const file = join(directory, "plan.json");
      await writeFile(file, formatPlan(plan));
      const child = startDrayage(["cleanup", "apply", file, "--concurrency", "1"]);
      const output = textOf(child.stderr);
      onDelete = (count, answer) => {
        // Every other time, the registry has done it by then.
        if (count !== nth || nth % 2 === 0) answer();
        if (count === nth) child.kill("SIGKILL");
      };
      await once(child, "close");
      expect({ signal: child.signalCode, output: await output }).toEqual({ signal: "SIGKILL", output: "" });
      await expectWhole();

      onDelete = (_count, answer) => answer();
      const again = await applyCleanup(plan, repository, { name: plan.repository });
      expect(again).toMatchObject({ status: "done", outcomes: { failed: 0, protected: 0 } });
      await expectWhole();
      const left = await Promise.all(goingTags.map((tag) => repository.headManifest(tag)));
      expect(left.filter((found) => found !== undefined)).toEqual([]);
      expect((await makePlan()).operations).toEqual([]);
    },
  );
});
