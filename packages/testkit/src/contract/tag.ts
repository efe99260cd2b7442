import type { Repository } from "@drayage/oci";
import { expect } from "vitest";
import { createImage } from "../fixture/image.ts";
import { pushImage } from "../fixture/push.ts";
import type { RepositoryCase, RepositoryContext } from "./case.ts";
import { expectCode, listOf } from "./expect.ts";

const tags = ["b", "a", "B", "_x", "10", "9", "a.b", "a-b", "v1.10", "v1.9"];
const inOrder = ["10", "9", "B", "_x", "a", "a-b", "a.b", "b", "v1.10", "v1.9"];

export const tagCases: readonly RepositoryCase[] = [
  {
    title: "listTags gives every tag once, in byte order",
    run: async ({ origin, repository }) => {
      await pushImage(origin, createImage(), { tags });
      expect(await listOf(repository.listTags())).toEqual(inOrder);
    },
  },
  {
    title: "listTags goes on over as many pages as there are",
    run: async ({ origin, repository }) => {
      await pushImage(origin, createImage(), { tags });
      for (const pageSize of [1, 3, 5, 10]) {
        expect(await listOf(repository.listTags({ pageSize }))).toEqual(inOrder);
      }
    },
  },
  {
    title: "listTags starts behind the tag it is given",
    run: async ({ origin, repository }) => {
      await pushImage(origin, createImage(), { tags });
      expect(await listOf(repository.listTags({ after: "a-b" }))).toEqual(["a.b", "b", "v1.10", "v1.9"]);
      expect(await listOf(repository.listTags({ after: "a-b", pageSize: 1 }))).toEqual([
        "a.b",
        "b",
        "v1.10",
        "v1.9",
      ]);
      expect(await listOf(repository.listTags({ after: "v1.9" }))).toEqual([]);
    },
  },
  {
    title: "listTags starts behind a tag that does not exist",
    run: async ({ origin, repository }) => {
      await pushImage(origin, createImage(), { tags });
      expect(await listOf(repository.listTags({ after: "a.a" }))).toEqual(["a.b", "b", "v1.10", "v1.9"]);
    },
  },
  {
    title: "listTags of a repository whose manifests have no tags is empty",
    run: async ({ origin, repository }) => {
      await pushImage(origin, createImage());
      expect(await listOf(repository.listTags())).toEqual([]);
    },
  },
  {
    title: "listTags of a repository without content throws NAME_UNKNOWN",
    run: async ({ repository }) => {
      await expectCode(listOf(repository.listTags()), "NAME_UNKNOWN");
    },
  },
  {
    title: "a reader of listTags may stop after any tag",
    run: async ({ origin, repository }) => {
      await pushImage(origin, createImage(), { tags });
      for await (const tag of repository.listTags({ pageSize: 2 })) {
        expect(tag).toBe("10");
        break;
      }
    },
  },
  {
    title: "the inventory gives every tag with the digest it points to",
    needs: ["inventory"],
    run: async ({ origin, repository }) => {
      const one = await pushImage(origin, createImage(), { tags: ["v1", "latest"] });
      const two = await pushImage(origin, createImage({ seed: 1 }), { tags: ["v2"] });
      const records = await recordsOf(repository);
      expect(records.map(({ tag, digest }) => `${tag} ${digest}`).toSorted()).toEqual([
        `latest ${one.digest}`,
        `v1 ${one.digest}`,
        `v2 ${two.digest}`,
      ]);
    },
  },
  {
    title: "listRepositories gives every repository that has content, in byte order",
    needs: ["list"],
    run: async (context) => {
      const names = await fillSiblings(context, ["b", "a/deep", "a", "a-b"]);
      const listed = await listOf(context.registry.listRepositories());
      expect(listed.filter((name) => names.has(name))).toEqual([...names].toSorted());
      expect(listed).not.toContain(context.repository.name);
    },
  },
  {
    title: "listRepositories goes on over as many pages as there are",
    needs: ["list"],
    run: async (context) => {
      const names = await fillSiblings(context, ["1", "2", "3", "4", "5"]);
      const listed = await listOf(context.registry.listRepositories({ pageSize: 2 }));
      expect(listed.filter((name) => names.has(name))).toEqual([...names]);
      expect(new Set(listed).size).toBe(listed.length);
    },
  },
  {
    title: "listRepositories starts behind the name it is given",
    needs: ["list"],
    run: async (context) => {
      const names = await fillSiblings(context, ["1", "2", "3"]);
      const [first, second, third] = names;
      const listed = await listOf(context.registry.listRepositories({ after: first }));
      expect(listed.filter((name) => names.has(name))).toEqual([second, third]);
    },
  },
];

/** Puts something into the siblings of these labels and answers their names, in the order of the labels. */
async function fillSiblings(
  { sibling }: RepositoryContext,
  labels: readonly string[],
): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const label of labels) {
    const { origin, repository } = sibling(label);
    await pushImage(origin, createImage(), { tags: ["v1"] });
    names.add(repository.name);
  }
  return names;
}

async function recordsOf({ inventory, name }: Repository) {
  if (inventory === undefined) throw new Error(`${name} has no inventory, though its subject says so`);
  return listOf(inventory.listTagRecords());
}
