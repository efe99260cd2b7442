import {
  answerWith,
  createManifestDocument,
  bytesOf,
  digestOf,
  MemoryRegistry,
  mediaType,
} from "@drayage/oci";
import type { Answer, Digest, HttpRequest, ManifestDocument, Tag } from "@drayage/oci";
import { describe, expect, test } from "vitest";
import { createGhcrApi } from "./ghcr.ts";
import type { VendorRepository } from "./vendor-api.ts";

const config = new TextEncoder().encode("{}");

/** GitHub with one package: what is pushed is a version, and only its API deletes. */
async function openGitHub(refuse: (tags: readonly Tag[]) => Answer | undefined = () => undefined) {
  const memory = new MemoryRegistry().repository("team/app");
  const descriptor = { mediaType: mediaType.ociConfig, digest: digestOf(config), size: config.byteLength };
  await memory.putBlob(descriptor, async () => bytesOf(config));
  const ids: Digest[] = [];
  const requests: string[] = [];
  const pushed: (readonly Tag[])[] = [];
  const tagsOf = async (digest: Digest): Promise<readonly Tag[]> => {
    const tags = await Array.fromAsync(memory.listTags());
    const heads = await Promise.all(tags.map((tag) => memory.headManifest(tag)));
    return tags.filter((_tag, index) => heads[index]?.digest === digest);
  };
  const versionOf = async (digest: Digest) => ({
    id: ids.indexOf(digest),
    name: digest,
    metadata: { container: { tags: await tagsOf(digest) } },
  });
  const present = async () => {
    const heads = await Promise.all(ids.map((digest) => memory.headManifest(digest)));
    return ids.filter((_digest, index) => heads[index] !== undefined);
  };
  const answer = async ({ method, url }: HttpRequest): Promise<Answer> => {
    requests.push(method);
    if (url.endsWith("/users/team")) return { body: JSON.stringify({ type: "User" }) };
    if (method === "GET")
      return { body: JSON.stringify(await Promise.all((await present()).map(versionOf))) };
    const digest = ids[Number(url.split("/").at(-1))] ?? digestOf(config);
    const refusal = refuse(await tagsOf(digest));
    if (refusal !== undefined) return refusal;
    await memory.deleteManifest(digest);
    return { status: 204 };
  };
  const repository: VendorRepository = {
    name: "team/app",
    getManifest: (at, options) => memory.getManifest(at, options),
    headManifest: (at, options) => memory.headManifest(at, options),
    deleteManifest: () => Promise.reject(new Error("GitHub does not delete by the protocol")),
    deleteTag: () => Promise.reject(new Error("GitHub does not delete by the protocol")),
    putBlob: (blob, content, options) => memory.putBlob(blob, content, options),
    putManifest: (document, options) => {
      if (!ids.includes(document.descriptor.digest)) ids.push(document.descriptor.digest);
      pushed.push(options?.tags ?? []);
      return memory.putManifest(document, options);
    },
  };
  const image = (name: string): ManifestDocument =>
    createManifestDocument({
      schemaVersion: 2,
      mediaType: mediaType.ociManifest,
      config: descriptor,
      layers: [],
      annotations: { name },
    });
  const api = createGhcrApi({ registry: "ghcr.io", repository, send: answerWith(answer), throwaway: true });
  const tagged = image("one");
  await repository.putManifest(tagged, { tags: ["v1", "latest"] });
  pushed.length = 0;
  const heads = async () => ({
    v1: (await memory.headManifest("v1"))?.digest,
    latest: (await memory.headManifest("latest"))?.digest,
  });
  return { api, repository, image, digest: tagged.descriptor.digest, heads, present, pushed, requests };
}

describe("a tag is removed by a throw-away manifest", () => {
  test("after one rehearsal without a tag, and nothing else goes", async () => {
    const { api, digest, heads, present, pushed, requests } = await openGitHub();
    expect(api.deleter.untagging).toBe("always");
    expect(await api.deleter.deleteTag("v1", { ifMatch: digest })).toBe("deleted");
    expect(await heads()).toEqual({ v1: undefined, latest: digest });
    expect(await present()).toEqual([digest]);
    expect(pushed).toEqual([[], ["v1"]]);
    expect(requests).toEqual(["GET", "GET", "DELETE", "GET", "DELETE"]);
    expect(await api.deleter.deleteTag("latest", { ifMatch: digest })).toBe("deleted");
    expect(pushed).toEqual([[], ["v1"], ["latest"]]);
  });

  // regclient #819: with deletes disabled, the tag was left at an empty image
  test("never, where the rehearsal is refused", async () => {
    const { api, digest, heads, pushed } = await openGitHub(() => ({ status: 403, body: "{}" }));
    expect(await api.deleter.deleteTag("v1", { ifMatch: digest })).toMatchObject({ refused: "denied" });
    expect(await heads()).toEqual({ v1: digest, latest: digest });
    expect(pushed).toEqual([[]]);
  });

  test("and is put back where the real one is refused", async () => {
    const message = "You cannot delete the last tagged version of a package.";
    const last = { status: 400, body: JSON.stringify({ message }) };
    const { api, digest, heads } = await openGitHub((tags) => (tags.length > 0 ? last : undefined));
    expect(await api.deleter.deleteTag("v1", { ifMatch: digest })).toEqual({ refused: "last", message });
    expect(await heads()).toEqual({ v1: digest, latest: digest });
  });

  test("but is left where others have put it meanwhile", async () => {
    let moveAway: () => Promise<unknown> = () => Promise.resolve();
    const { api, repository, image, digest, heads } = await openGitHub();
    const other = image("two");
    const put = repository.putManifest;
    Object.assign(repository, {
      putManifest: async (...call: Parameters<typeof put>) => {
        const result = await put(...call);
        if (call[1]?.tags?.[0] === "v1") await moveAway();
        return result;
      },
    });
    moveAway = () => put(other, { tags: ["v1"] });
    expect(await api.deleter.deleteTag("v1", { ifMatch: digest })).toBe("deleted");
    expect((await heads()).v1).toBe(other.descriptor.digest);
  });

  test("only from where it was planned to be", async () => {
    const { api, digest, pushed } = await openGitHub();
    const elsewhere = { ifMatch: digestOf(config) };
    await expect(api.deleter.deleteTag("v1", elsewhere)).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
    });
    expect(await api.deleter.deleteTag("v9", { ifMatch: digest })).toBe("absent");
    expect(pushed).toEqual([]);
  });

  test("at the same time as others, with one rehearsal for all", async () => {
    const { api, digest, heads, pushed } = await openGitHub();
    await Promise.all(["v1", "latest"].map((tag) => api.deleter.deleteTag(tag, { ifMatch: digest })));
    expect(await heads()).toEqual({ v1: undefined, latest: undefined });
    expect(pushed.filter((tags) => tags.length === 0)).toHaveLength(1);
  });
});
