import { describe, expect, it } from "vitest";
import { bytesOf } from "../bytes.ts";
import { digestOf, type Digest } from "../digest.ts";
import { createManifestDocument } from "../manifest.ts";
import { mediaType } from "../media-type.ts";
import { MemoryRegistry } from "../memory.ts";
import type { Registry, Repository } from "../repository.ts";
import { readOnly } from "./read-only.ts";
import { sub } from "./sub.ts";
import { trace, type CallEvent } from "./trace.ts";

// What passes through unchanged is what the repository contract tests, over each wrapper.
const index = createManifestDocument({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests: [] });
const { digest } = index.descriptor;
const bytes = new TextEncoder().encode("content");
const blob = { mediaType: mediaType.octetStream, digest: digestOf(bytes), size: bytes.byteLength };
const open = async () => bytesOf(bytes);

async function filled(...names: readonly string[]): Promise<MemoryRegistry> {
  const registry = new MemoryRegistry();
  for (const name of names) {
    await registry.repository(name).putBlob(blob, open);
    await registry.repository(name).putManifest(index, { tags: ["v1"] });
  }
  return registry;
}

describe("readOnly", () => {
  it.each<[string, (repository: Repository) => Promise<unknown>]>([
    ["putManifest", (repository) => repository.putManifest(index, { tags: ["v2"] })],
    ["putBlob", (repository) => repository.putBlob(blob, open)],
    ["mountBlob", (repository) => repository.mountBlob(blob.digest)],
    ["openUpload", (repository) => repository.openUpload()],
    ["deleteManifest", (repository) => repository.deleteManifest(digest)],
    ["deleteTag", (repository) => repository.deleteTag("v1")],
    ["deleteBlob", (repository) => repository.deleteBlob(blob.digest)],
  ])("refuses %s with DENIED, and changes nothing", async (_call, run) => {
    const registry = await filled("a");
    await expect(run(readOnly(registry).repository("a"))).rejects.toMatchObject({ code: "DENIED" });
    expect(await listOf(registry.repository("a").listTags())).toEqual(["v1"]);
    expect(await registry.repository("a").headBlob(blob.digest)).toBeDefined();
  });

  it("leaves no call that writes unnamed", async () => {
    const repository = readOnly(await filled("a")).repository("a");
    const reading = ["getManifest", "headManifest", "getBlob", "headBlob", "listTags", "listReferrers"];
    const writing = Object.entries(repository).filter(
      ([name, value]) => typeof value === "function" && !reading.includes(name),
    );
    const refusals = await Promise.allSettled(
      writing.map(([, call]) => Promise.resolve().then(() => callOf(call)())),
    );
    expect(refusals.map(({ status }) => status)).toEqual(writing.map(() => "rejected"));
  });

  it("passes on what will be done", () => {
    const asked: unknown[] = [];
    const registry = new MemoryRegistry();
    const spying: Registry = {
      repository(name, options) {
        asked.push(options);
        return registry.repository(name);
      },
      listRepositories: (options) => registry.listRepositories(options),
    };
    readOnly(spying).repository("a", { access: ["pull"] });
    expect(asked).toEqual([{ access: ["pull"] }]);
  });
});

describe("sub", () => {
  it("gives repositories below its prefix the names they have there", async () => {
    const registry = await filled("team/app", "team/deep/er", "team", "teammate", "team-b/x", "other");
    const team = sub(registry, "team");
    expect(team.repository("app").name).toBe("app");
    expect(await team.repository("app").headManifest("v1")).toBeDefined();
    expect(await listOf(team.listRepositories())).toEqual(["app", "deep/er"]);
    expect(await listOf(team.listRepositories({ after: "app" }))).toEqual(["deep/er"]);
  });

  it.each(["../other", "..", "/other", "", "a/../../other"])("cannot be left with the name %j", (name) => {
    const team = sub(new MemoryRegistry(), "team");
    expect(() => team.repository(name)).toThrow(expect.objectContaining({ code: "NAME_INVALID" }));
  });

  it("cannot be made of what is no repository name", () => {
    expect(() => sub(new MemoryRegistry(), "team/")).toThrow(
      expect.objectContaining({ code: "NAME_INVALID" }),
    );
  });

  it("mounts from inside only, and finds nothing outside", async () => {
    const registry = await filled("team/from", "other");
    const target = sub(registry, "team").repository("app");
    expect(await target.mountBlob(blob.digest)).toBeUndefined();
    expect(await target.mountBlob(blob.digest, { from: "other" })).toBeUndefined();
    const put = target.putBlob(blob, open, { mountFrom: "other" });
    expect(await put).toBe("uploaded");
    await target.deleteBlob(blob.digest);
    expect(await target.putBlob(blob, open, { mountFrom: "from" })).toBe("mounted");
  });

  it("refuses to mount from a name that leads outside", async () => {
    const target = sub(await filled("other"), "team").repository("app");
    const mount = target.mountBlob(blob.digest, { from: "../other" });
    await expect(mount).rejects.toMatchObject({ code: "NAME_INVALID" });
  });
});

describe("trace", () => {
  const events: CallEvent[] = [];
  const traced = async (): Promise<Repository> => {
    let time = 0;
    events.length = 0;
    const registry = trace(await filled("a"), (event) => events.push(event), { now: () => time++ });
    return registry.repository("a");
  };

  it.each<[CallEvent["call"], string | undefined, (repository: Repository) => Promise<unknown>]>([
    ["getManifest", "v1", (repository) => repository.getManifest("v1")],
    ["headManifest", "v1", (repository) => repository.headManifest("v1")],
    ["putManifest", digest, (repository) => repository.putManifest(index)],
    ["getBlob", blob.digest, (repository) => repository.getBlob(blob.digest)],
    ["headBlob", blob.digest, (repository) => repository.headBlob(blob.digest)],
    ["putBlob", blob.digest, (repository) => repository.putBlob(blob, open)],
    ["mountBlob", blob.digest, (repository) => repository.mountBlob(blob.digest)],
    ["openUpload", undefined, (repository) => repository.openUpload()],
    ["listTags", undefined, (repository) => listOf(repository.listTags())],
    ["listReferrers", digest, (repository) => listOf(repository.listReferrers(digest))],
    ["deleteManifest", digest, (repository) => repository.deleteManifest(digest)],
    ["deleteTag", "v1", (repository) => repository.deleteTag("v1")],
    ["deleteBlob", blob.digest, (repository) => repository.deleteBlob(blob.digest)],
  ])("reports %s of %s once, when it has ended", async (call, subject, run) => {
    await run(await traced());
    expect(events).toEqual([{ repository: "a", call, subject, milliseconds: 1 }]);
  });

  it("reports what a call throws, and throws it", async () => {
    const repository = await traced();
    await expect(repository.getManifest("v2")).rejects.toMatchObject({ code: "MANIFEST_UNKNOWN" });
    expect(events).toMatchObject([{ call: "getManifest", error: { code: "MANIFEST_UNKNOWN" } }]);
  });

  it("reports what a list throws on its way", async () => {
    const registry = trace(new MemoryRegistry(), (event) => events.push(event));
    events.length = 0;
    await expect(listOf(registry.repository("none").listTags())).rejects.toMatchObject({
      code: "NAME_UNKNOWN",
    });
    expect(events).toMatchObject([{ call: "listTags", error: { code: "NAME_UNKNOWN" } }]);
  });

  it("reports a list whose reader stops early", async () => {
    const repository = await traced();
    for await (const tag of repository.listTags()) {
      expect(tag).toBe("v1");
      break;
    }
    expect(events).toMatchObject([{ call: "listTags" }]);
  });
});

/** A member of a repository as something that can be called; its arguments do not matter to who refuses. */
function callOf(member: unknown): (...given: readonly Digest[]) => unknown {
  return typeof member === "function"
    ? () => Reflect.apply(member, undefined, [digest, digest]) as unknown
    : () => undefined;
}

/** The entries of a list, in its order. */
async function listOf<Item>(list: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of list) items.push(item);
  return items;
}
