import { digestOf, type Answer, type Tag } from "@drayage/oci";
import { describe, expect, test } from "vitest";
import { imageOf, openGitHub } from "../fixture/git-hub.ts";
import { createGhcrApi } from "./ghcr.ts";

const nowhere = digestOf(new Uint8Array());

/** GitHub with one image under two tags. */
async function open(refuse?: (tags: readonly Tag[]) => Answer | undefined) {
  const gitHub = await openGitHub(refuse);
  const { repository, send, requests, pushed } = gitHub;
  const image = imageOf("one");
  await repository.putManifest(image, { tags: ["v1", "latest"] });
  pushed.length = 0;
  const heads = async () => ({
    v1: (await repository.headManifest("v1"))?.digest,
    latest: (await repository.headManifest("latest"))?.digest,
  });
  const api = createGhcrApi({ registry: "ghcr.io", repository, send, throwaway: true });
  const present = () => gitHub.present();
  return { api, repository, digest: image.descriptor.digest, heads, present, pushed, requests };
}

describe("a tag is removed by a throw-away manifest", () => {
  test("after one rehearsal without a tag, and nothing else goes", async () => {
    const { api, digest, heads, present, pushed, requests } = await open();
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
    const { api, digest, heads, pushed } = await open(() => ({ status: 403, body: "{}" }));
    expect(await api.deleter.deleteTag("v1", { ifMatch: digest })).toMatchObject({ refused: "denied" });
    expect(await heads()).toEqual({ v1: digest, latest: digest });
    expect(pushed).toEqual([[]]);
  });

  test("and is put back where the real one is refused", async () => {
    const message = "You cannot delete the last tagged version of a package.";
    const last = { status: 400, body: JSON.stringify({ message }) };
    const { api, digest, heads } = await open((tags) => (tags.length > 0 ? last : undefined));
    expect(await api.deleter.deleteTag("v1", { ifMatch: digest })).toEqual({ refused: "last", message });
    expect(await heads()).toEqual({ v1: digest, latest: digest });
  });

  test.each(["deleted", "denied"])("but is left where others have put it meanwhile: %s", async (result) => {
    const [rehearsal, real] = [undefined, result === "denied" ? { status: 403, body: "{}" } : undefined];
    let [deletions, moves] = [0, 0];
    const { api, repository, digest, heads } = await open(() => (deletions++ === 0 ? rehearsal : real));
    const other = imageOf("two");
    const put = repository.putManifest.bind(repository);
    Object.assign(repository, {
      putManifest: async (...call: Parameters<typeof put>) => {
        const descriptor = await put(...call);
        if (call[1]?.tags?.[0] === "v1" && moves++ === 0) await put(other, { tags: ["v1"] });
        return descriptor;
      },
    });
    const outcome = await api.deleter.deleteTag("v1", { ifMatch: digest });
    expect(typeof outcome === "string" ? outcome : outcome.refused).toBe(result);
    expect(await heads()).toEqual({ v1: other.descriptor.digest, latest: digest });
  });

  test("only from where it was planned to be", async () => {
    const { api, digest, pushed } = await open();
    const elsewhere = { ifMatch: nowhere };
    await expect(api.deleter.deleteTag("v1", elsewhere)).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
    });
    expect(await api.deleter.deleteTag("v9", { ifMatch: digest })).toBe("absent");
    expect(pushed).toEqual([]);
  });

  test("at the same time as others, with one rehearsal for all", async () => {
    const { api, digest, heads, pushed } = await open();
    await Promise.all(["v1", "latest"].map((tag) => api.deleter.deleteTag(tag, { ifMatch: digest })));
    expect(await heads()).toEqual({ v1: undefined, latest: undefined });
    expect(pushed.filter((tags) => tags.length === 0)).toHaveLength(1);
  });
});
