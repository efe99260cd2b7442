import { applyCleanup, inventory, parsePolicy, planCleanup } from "@drayage/cleanup";
import { createGhcrApi } from "@drayage/vendor-apis";
import { expect, test } from "vitest";
import { imageOf, indexOf, openGitHub, type GitHub } from "../../../packages/vendor-apis/fixture/git-hub.ts";

const policy = parsePolicy({
  rules: [{ name: "prs", delete: { tags: ["pr-*"] } }],
  untagged: { olderThan: "7d" },
  limits: { maxDeleteRatio: 1 },
});

async function cleanUp({ repository, send }: GitHub, throwaway: boolean) {
  const api = createGhcrApi({ registry: "ghcr.io", repository, send, throwaway });
  const { listing, deleter } = api;
  const { untagging } = deleter;
  const now = Date.UTC(2026, 5, 1);
  const state = await inventory(repository, { policy, now, listing, untagging });
  const plan = planCleanup(state, policy, { now });
  return applyCleanup(plan, repository, { listing, deleter });
}

// actions/delete-package-versions #90, snok/container-retention-policy #43: children of a kept index were deleted
test("GitHub keeps what an index needs, and loses what is left over", async () => {
  const gitHub = await openGitHub();
  const { repository, requests } = gitHub;
  const [amd, arm, old, stale] = [imageOf("amd"), imageOf("arm"), imageOf("old"), imageOf("stale")];
  const kept = indexOf(amd, arm);
  const gone = indexOf(old);
  for (const image of [amd, arm, old, stale]) await repository.putManifest(image);
  await repository.putManifest(kept, { tags: ["v1"] });
  await repository.putManifest(gone, { tags: ["pr-1"] });
  const { status, outcomes } = await cleanUp(gitHub, false);
  expect({ status, done: outcomes.done }).toEqual({ status: "done", done: 3 });
  expect(new Set(await gitHub.present())).toEqual(
    new Set([amd, arm, kept].map(({ descriptor }) => descriptor.digest)),
  );
  expect(requests.filter((method) => method === "DELETE")).toHaveLength(3);
});

test.each([
  [false, "pr-1", "done"],
  [true, undefined, "done"],
] as const)("a tag of a kept image goes only by a throw-away: %s", async (throwaway, left, status) => {
  const gitHub = await openGitHub();
  const image = imageOf("one");
  await gitHub.repository.putManifest(image, { tags: ["v1", "pr-1"] });
  expect((await cleanUp(gitHub, throwaway)).status).toBe(status);
  expect(await gitHub.present()).toEqual([image.descriptor.digest]);
  const tags = await Array.fromAsync(gitHub.repository.listTags());
  expect(tags.find((tag) => tag === "pr-1")).toBe(left);
  expect(tags).toContain("v1");
});
