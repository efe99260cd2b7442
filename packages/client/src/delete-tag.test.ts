import { digestOf, mediaType, standardQuirks, type Quirks } from "@drayage/oci";
import { createImage, type ScriptRule } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { errorOf, openScripted, type Opened } from "../fixture/scripted.ts";

const image = createImage();
const { digest } = image.document.descriptor;
const manifests = "/v2/library/app/manifests/";
const described = { "content-type": mediaType.ociManifest, "content-length": "2" };
const byDigest = `${manifests}sha256:*`;

/** A registry that deletes no tags. */
async function openWith(rules: readonly ScriptRule[], quirks: Partial<Quirks> = {}): Promise<Opened> {
  const opened = await openScripted({
    script: rules,
    quirks: { ...standardQuirks, deleteTag: 405, ...quirks },
  });
  await opened.server.content.add("library/app", image, { tags: ["v1", "v2", "latest"] });
  return opened;
}

function expectTags({ server }: Opened, tags: readonly string[]): void {
  const now = server.content.repository("library/app").tags;
  expect(Object.fromEntries(now)).toEqual(Object.fromEntries(tags.map((tag) => [tag, digest])));
}

const methods = ({ server }: Opened): readonly string[] =>
  server.ledger.map(({ method, status }) => `${method} ${status}`);

it.each([400, 405])("deleteTag is UNSUPPORTED where it is answered %d", async (status) => {
  await using opened = await openWith([{ method: "DELETE", path: `${manifests}v1`, answer: { status } }]);
  expect(await errorOf(opened.repository.deleteTag("v1"))).toMatchObject({ code: "UNSUPPORTED", status });
  expect(opened.requests()).toHaveLength(1);
});

describe("deleteTag by a throw-away manifest", () => {
  const options = { throwaway: true };

  it("removes the tag and nothing else, and leaves nothing of its own", async () => {
    await using opened = await openWith([]);
    expect(await opened.repository.deleteTag("v1", options)).toBe("deleted");
    expectTags(opened, ["v2", "latest"]);
    expect([...opened.server.content.repository("library/app").manifests.keys()]).toEqual([digest]);
  });

  it("is rehearsed once, then takes eight requests", async () => {
    await using opened = await openWith([]);
    await opened.repository.deleteTag("v1", options);
    opened.server.clearLedger();
    await opened.repository.deleteTag("v2", options);
    expectTags(opened, ["latest"]);
    const [refused, found, ...others] = methods(opened);
    expect([refused, found]).toEqual(["DELETE 405", "GET 200"]);
    expect(others.filter((line) => line !== "HEAD 200")).toEqual([
      "POST 201",
      "PUT 201",
      "DELETE 202",
      "HEAD 404",
    ]);
    expect(others).toHaveLength(6);
  });

  it("is not needed where tags can be deleted", async () => {
    await using opened = await openWith([], { deleteTag: "deleted" });
    expect(await opened.repository.deleteTag("v1", options)).toBe("deleted");
    expect(methods(opened)).toEqual(["DELETE 202"]);
  });

  it("of a tag that is not there says absent, of one that has moved PRECONDITION_FAILED", async () => {
    await using opened = await openWith([]);
    expect(await opened.repository.deleteTag("v9", options)).toBe("absent");
    const ifMatch = createImage({ seed: 9 }).document.descriptor.digest;
    expect(await errorOf(opened.repository.deleteTag("v1", { ...options, ifMatch }))).toMatchObject({
      code: "PRECONDITION_FAILED",
    });
    expectTags(opened, ["v1", "v2", "latest"]);
  });

  it("is UNSUPPORTED where manifests are not deleted either, and then nothing is put there", async () => {
    await using opened = await openWith([], { deleteManifest: 405 });
    expect(await errorOf(opened.repository.deleteTag("v1", options))).toMatchObject({ code: "UNSUPPORTED" });
    expect(methods(opened)).toEqual(["DELETE 405", "GET 200", "DELETE 405"]);
    expectTags(opened, ["v1", "v2", "latest"]);
  });

  it("is UNSUPPORTED where the rehearsal shows that other tags go too, and is not rehearsed again", async () => {
    await using opened = await openWith([
      {
        method: "DELETE",
        path: byDigest,
        nth: 2,
        change(answer) {
          const { tags } = opened.server.content.repository("library/app");
          for (const tag of tags.keys()) if (tag.startsWith("drayage-rehearsal-")) tags.delete(tag);
          return answer;
        },
      },
    ]);
    expect(await errorOf(opened.repository.deleteTag("v1", options))).toMatchObject({ code: "UNSUPPORTED" });
    expectTags(opened, ["v1", "v2", "latest"]);
    expect([...opened.server.content.repository("library/app").manifests.keys()]).toEqual([digest]);
    opened.server.clearLedger();
    expect(await errorOf(opened.repository.deleteTag("v1", options))).toMatchObject({ code: "UNSUPPORTED" });
    expect(methods(opened)).toEqual(["DELETE 405", "GET 200"]);
  });

  it("is UNSUPPORTED where the rehearsal shows that the tag stays, and says what stays behind", async () => {
    await using opened = await openWith([], { deleteManifest: "untagged" });
    const error = await errorOf(opened.repository.deleteTag("v1", options));
    const tags = expect.arrayContaining([expect.stringMatching(/^drayage-rehearsal-/)]) as unknown;
    expect(error).toMatchObject({ code: "UNSUPPORTED", detail: { tags } });
    expect(opened.server.content.repository("library/app").tags.get("v1")).toBe(digest);
  });

  it("puts the tag back if the delete fails after all, even for a caller who has left", async () => {
    await using opened = await openWith([]);
    await opened.repository.deleteTag("latest", options);
    opened.server.script([{ method: "DELETE", path: byDigest, answer: { status: 403 } }]);
    expect(await errorOf(opened.repository.deleteTag("v1", options))).toMatchObject({ code: "DENIED" });
    expectTags(opened, ["v1", "v2"]);
    const controller = new AbortController();
    const reason = new Error("enough");
    const leave: ScriptRule["change"] = (answer) => {
      controller.abort(reason);
      return answer;
    };
    opened.server.script([{ method: "DELETE", path: byDigest, change: leave }]);
    const { signal } = controller;
    expect(await errorOf(opened.repository.deleteTag("v1", { ...options, signal }))).toBe(reason);
    await expect.poll(() => [...opened.server.content.repository("library/app").tags.keys()]).toContain("v1");
  });

  it("puts the tag back if it was moved without a word of it", async () => {
    await using opened = await openWith([]);
    await opened.repository.deleteTag("latest", options);
    const silence: ScriptRule["change"] = (answer) => ({ ...answer, status: 500 });
    const everyTry = [1, 2, 3, 4, 5];
    opened.server.script([{ method: "PUT", path: `${manifests}v1`, nth: everyTry, change: silence }]);
    expect(await errorOf(opened.repository.deleteTag("v1", options))).toMatchObject({ code: "UNAVAILABLE" });
    expectTags(opened, ["v1", "v2"]);
  });

  it("puts the tag back for a caller who leaves while it is moved", async () => {
    await using opened = await openWith([]);
    await opened.repository.deleteTag("latest", options);
    const controller = new AbortController();
    const reason = new Error("enough");
    const leave: ScriptRule["change"] = (answer) => {
      controller.abort(reason);
      return answer;
    };
    opened.server.script([{ method: "PUT", path: `${manifests}v1`, nth: 1, change: leave }]);
    const { signal } = controller;
    expect(await errorOf(opened.repository.deleteTag("v1", { ...options, signal }))).toBe(reason);
    expectTags(opened, ["v1", "v2"]);
  });

  it("leaves the tag where others have moved it meanwhile, even if the delete fails", async () => {
    await using opened = await openWith([]);
    await opened.repository.deleteTag("latest", options);
    const { tags } = opened.server.content.repository("library/app");
    const elsewhere = digestOf(new Uint8Array());
    const move: ScriptRule["change"] = (answer) => {
      tags.set("v1", elsewhere);
      return { ...answer, status: 403 };
    };
    opened.server.script([
      { method: "DELETE", path: byDigest, change: move },
      {
        method: "HEAD",
        path: `${manifests}v1`,
        nth: 2,
        answer: { status: 200, headers: { ...described, "docker-content-digest": elsewhere } },
      },
    ]);
    expect(await errorOf(opened.repository.deleteTag("v1", options))).toMatchObject({ code: "DENIED" });
    expect(tags.get("v1")).toBe(elsewhere);
  });

  it("puts the manifest back if it went with the tag", async () => {
    await using opened = await openWith([]);
    await opened.repository.deleteTag("latest", options);
    opened.server.script([
      {
        method: "DELETE",
        path: byDigest,
        change(answer) {
          opened.server.content.repository("library/app").manifests.delete(digest);
          return answer;
        },
      },
    ]);
    expect(await errorOf(opened.repository.deleteTag("v1", options))).toMatchObject({ code: "UNSUPPORTED" });
    expect(await opened.repository.headManifest("v1")).toMatchObject({ digest });
  });
});
