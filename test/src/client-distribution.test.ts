import { createClient } from "@drayage/client";
import { createImage, pushImage, repositoryContract } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { startDistribution, withoutDistribution } from "./distribution.ts";

// What docker-registry 2.8 does otherwise, whoever asks it.
const unsorted = "it lists tags in no order, all at once, and from the first one";
const noTagDelete = "it answers 400 to deletes of a tag";
const untagged = "it answers 404 to a list of tags where there are none";
const skips = {
  "a blob is not a manifest": "it answers 500",
  "putManifest without tags makes a manifest that only its digest names": untagged,
  "putManifest stores a manifest under its sha512 digest": "it computes sha256 only",
  "putManifest does not ask for layers that are not meant to be distributed": "it does ask for them",
  "of two conditional puts at the same time one wins": "it knows no conditions, and ours leave a gap",
  "listTags gives every tag once, in byte order": unsorted,
  "listTags goes on over as many pages as there are": unsorted,
  "listTags starts behind the tag it is given": unsorted,
  "listTags starts behind a tag that does not exist": unsorted,
  "listTags of a repository whose manifests have no tags is empty": untagged,
  "a reader of listTags may stop after any tag": unsorted,
  "listRepositories gives every repository that has content, in byte order": "it sorts by component",
  "deleteTag removes the tag and neither the manifest nor its other tags": noTagDelete,
  "deleteTag of the last tag keeps the manifest": noTagDelete,
  "deleteTag of a tag that does not exist says absent": noTagDelete,
  "deleteTag with ifMatch removes a tag that is where it was expected": noTagDelete,
  "deleting in a repository without content says absent, and does not make it exist": noTagDelete,
};

describe.skipIf(withoutDistribution !== undefined)(`docker-registry${withoutDistribution ?? ""}`, () => {
  repositoryContract({
    name: "client and distribution registry",
    traits: { inventory: false, mountFromAnywhere: false },
    skips,
    async open() {
      const server = await startDistribution();
      const client = createClient();
      return {
        registry: client.registry(server.host),
        async close() {
          await client.close();
          await server.close();
        },
      };
    },
  });

  it("loses a tag and nothing else by a throw-away manifest", async () => {
    await using server = await startDistribution();
    await using client = createClient();
    const repository = client.registry(server.host).repository("library/app");
    const { digest } = await pushImage(repository, createImage(), { tags: ["v1", "v2"] });
    expect(await repository.deleteTag("v1", { throwaway: true })).toBe("deleted");
    const tags: string[] = [];
    for await (const tag of repository.listTags()) tags.push(tag);
    expect(tags).toEqual(["v2"]);
    expect(await repository.headManifest("v2")).toMatchObject({ digest });
  });
});
