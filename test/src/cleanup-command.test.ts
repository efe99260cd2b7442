import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type Client, type RepositoryClient } from "@drayage/client";
import { parseJsonObject } from "@drayage/oci";
import { createFilesystemDriver, createHandler, createRegistry, listen } from "@drayage/registry";
import { createImage, pushImage } from "@drayage/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  fillRepository,
  goingManifests,
  goingTags,
  keptManifests,
  keptTags,
  policyText,
} from "./cleanup-repository.ts";
import { drayage } from "./command-process.ts";
import { startDistribution, withoutDistribution } from "./distribution.ts";
import { skopeo, withoutSkopeo } from "./skopeo.ts";

interface Served extends AsyncDisposable {
  readonly host: string;
}

async function startOurs(directory: string): Promise<Served> {
  const server = await listen(createHandler(createRegistry(createFilesystemDriver(join(directory, "data")))));
  return { host: server.host, [Symbol.asyncDispose]: () => server.close() };
}

const missing = withoutDistribution ?? withoutSkopeo;
const subjects: readonly (readonly [string, (directory: string) => Promise<Served>])[] = [
  ["our registry", startOurs],
  ["the distribution registry", startDistribution],
];

describe.skipIf(missing !== undefined).each(subjects)(`cleaning up %s${missing ?? ""}`, (_name, start) => {
  let directory: string;
  let served: Served;
  let client: Client;
  let repository: RepositoryClient;
  let place: string;
  let policy: string;
  let planFile: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "drayage-cleanup-"));
    served = await start(directory);
    client = createClient();
    place = `${served.host}/team/app`;
    repository = client.repository(place);
    await fillRepository(repository);
    policy = join(directory, "policy.yaml");
    planFile = join(directory, "plan.json");
    await writeFile(policy, policyText);
  });

  afterEach(async () => {
    await client.close();
    await served[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  const present = async (list: readonly string[]): Promise<readonly string[]> => {
    const found = await Promise.all(list.map((at) => repository.headManifest(at)));
    return list.filter((_at, index) => found[index] !== undefined);
  };

  /** Pulls everything below a tag or digest with a tool that is not ours. */
  async function pull(at: string): Promise<void> {
    const source = `docker://${place}${at.includes(":") ? "@" : ":"}${at}`;
    const raw = await skopeo("inspect", "--raw", "--tls-verify=false", source);
    const manifests = parseJsonObject(Buffer.from(raw))?.["manifests"];
    const children = Array.isArray(manifests) ? manifests.map(digestIn) : [];
    if (children.length === 0) {
      const target = `dir:${join(directory, `pulled-${at.replace(":", "-")}`)}`;
      await skopeo("copy", "--quiet", "--src-tls-verify=false", source, target);
    }
    for (const digest of children) await pull(digest);
  }

  test("plans, explains, applies, and leaves every kept tag whole for skopeo", async () => {
    const planned = await drayage(["cleanup", "plan", policy, place, "--output", planFile]);
    expect(planned).toMatchObject({ status: 0, stderr: "" });
    expect(planned.stdout).toContain("rule:pull-requests");
    expect(await present(goingTags)).toEqual(goingTags);

    const why = await drayage(["cleanup", "explain", planFile, "pr-1"]);
    expect(why).toMatchObject({ status: 0, stdout: `${place}\ntag pr-1 goes: rule:pull-requests\n` });

    const applied = await drayage(["cleanup", "apply", planFile]);
    expect(applied).toMatchObject({ status: 0, stderr: "" });
    expect(await present(goingTags)).toEqual([]);
    expect(await present(goingManifests)).toEqual([]);
    expect(await present(keptManifests)).toEqual(keptManifests);
    for (const tag of [...keptTags, ...keptManifests]) await pull(tag);

    const again = await drayage(["cleanup", "plan", policy, place, "--json"]);
    expect(parseJsonObject(Buffer.from(again.stdout))).toMatchObject({
      operations: [],
      status: "ok",
    });
    const resumed = await drayage(["cleanup", "apply", planFile]);
    expect(resumed).toMatchObject({ status: 0, stdout: `${place}: done\n` });
  });

  test("leaves a tag that moved since the plan, and what it needs now", async () => {
    await drayage(["cleanup", "plan", policy, place, "--output", planFile]);
    await pushImage(repository, createImage({ seed: 50 }), { tags: ["pr-1"] });
    const document = await repository.getManifest("pr-2");
    await repository.putManifest(document, { tags: ["release"] });
    const { status, stdout } = await drayage(["cleanup", "apply", planFile, "--json"]);
    expect({ status, stdout }).toMatchObject({ status: 0 });
    for (const tag of ["pr-1", "release", ...keptTags]) await pull(tag);
    expect(await repository.headManifest("pr-1")).toMatchObject({
      digest: createImage({ seed: 50 }).document.descriptor.digest,
    });
  });

  test("plans again from what it remembers, and blocks what is beyond the limits", async () => {
    const cache = ["--cache", join(directory, "cache")];
    await drayage(["cleanup", "plan", policy, place, ...cache]);
    await writeFile(policy, policyText.replace("0.9", "0.1"));
    const blocked = await drayage(["cleanup", "plan", policy, place, ...cache, "-o", planFile, "--trace"]);
    expect(blocked.status).toBe(3);
    expect(blocked.stdout).toContain("blocked: max-delete-ratio");
    expect(blocked.stderr).not.toMatch(/GET \S+\/manifests\/sha256:/);
    const before = await present([...goingTags, ...keptTags]);
    const { status, stdout } = await drayage(["cleanup", "apply", planFile]);
    expect({ status, stdout }).toEqual({ status: 3, stdout: `${place}: blocked: max-delete-ratio\n` });
    expect(await present([...goingTags, ...keptTags])).toEqual(before);
  });

  test("refuses a plan that was edited, one that is there already and a policy that is wrong", async () => {
    await drayage(["cleanup", "plan", policy, place, "-o", planFile]);
    const again = await drayage(["cleanup", "plan", policy, place, "-o", planFile]);
    expect(again).toMatchObject({ status: 2, stdout: "" });
    await writeFile(planFile, (await readFile(planFile, "utf8")).replaceAll("pr-1", "v1"));
    expect(await drayage(["cleanup", "apply", planFile])).toMatchObject({ status: 2, stdout: "" });
    await writeFile(policy, "rules: [{ name: all, delete: {} }]");
    const wrong = await drayage(["cleanup", "plan", policy, place]);
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain(`${policy}:1:`);
    expect(await present(keptTags)).toEqual(keptTags);
  });
});

function digestIn(value: unknown): string {
  const entry = typeof value === "object" && value !== null ? value : {};
  return "digest" in entry ? String(entry.digest) : "";
}
