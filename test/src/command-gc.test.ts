import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFilesystemDriver, createRegistry } from "@drayage/registry";
import { createImage, pushImage } from "@drayage/testkit";
import { expect, onTestFinished, test } from "vitest";
import { drayage } from "./command-process.ts";

const image = createImage({ layers: 2 });
const kept = createImage({ layers: 1, seed: 1 });

/** A storage with one image that has a tag and one that has been deleted. */
async function prepare(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-gc-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const repository = createRegistry(createFilesystemDriver(directory)).repository("team/app");
  await pushImage(repository, image, { tags: ["old"] });
  await pushImage(repository, kept, { tags: ["v1"] });
  await repository.deleteManifest(image.document.descriptor.digest);
  return directory;
}

test("gc --plan says what would go, and gc removes it", async () => {
  const directory = await prepare();
  const now = ["gc", "--storage", directory, "--grace", "0s"];
  const plan = await drayage([...now, "--plan"]);
  expect([plan.status, plan.stderr]).toEqual([0, ""]);
  const layers = image.layers.map(({ descriptor }) => descriptor.digest);
  for (const digest of layers) expect(plan.stdout).toContain(`blob team/app@${digest}`);
  const planned: unknown = JSON.parse((await drayage([...now, "--plan", "--json"])).stdout);
  expect(planned).toMatchObject({ grace: 0, manifests: [] });

  const collected = await drayage([...now, "--json"]);
  const report: unknown = JSON.parse(collected.stdout);
  expect(report).toMatchObject({ manifests: 0, links: 3, blobs: 3, uploads: 0, leftovers: 0 });
  const rest = await drayage(now);
  expect(rest.stdout).toContain("Removed 0 manifests and 0 blobs from repositories.");
});

test("scrub says what is damaged, and exits with 1", async () => {
  const directory = await prepare();
  const whole = await drayage(["scrub", "--storage", directory]);
  expect([whole.status, whole.stderr]).toEqual([0, ""]);
  const [layer] = kept.layers;
  const hex = layer?.descriptor.digest.slice("sha256:".length) ?? "";
  await writeFile(join(directory, "blobs", "sha256", hex.slice(0, 2), hex), "something else");
  const dry = await drayage(["scrub", "--storage", directory, "--dry-run"]);
  expect(dry.status).toBe(1);
  const found = await drayage(["scrub", "--storage", directory]);
  expect(found.stdout).toContain(`blob sha256:${hex} is something else`);
  expect(found.stdout).toContain(`blob team/app@sha256:${hex} is missing`);
  expect([found.status, await readdir(join(directory, "quarantine"))]).toEqual([1, [expect.anything()]]);
  expect((await drayage(["scrub", "--storage", directory])).status).toBe(0);
});

test.each([
  [["gc"], "--storage is missing"],
  [["gc", "--storage", "memory:"], "--storage needs a directory"],
  [["gc", "--storage", "x", "--grace", "soon"], "--grace needs a time"],
  [["scrub"], "--storage is missing"],
])("%j is wrong usage", async (args, message) => {
  const { status, stderr } = await drayage(args);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});
