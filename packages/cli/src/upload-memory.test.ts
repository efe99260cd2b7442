import { chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, type UploadMemory } from "@drayage/oci";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createUploadMemory, defaultUploadDirectory, type UploadOwner } from "./upload-memory.ts";

const digest = digestOf(new Uint8Array([1]));
const other = digestOf(new Uint8Array([2]));
/** No system gives so large a number to a process. */
const gone: UploadOwner = { host: hostname(), pid: 2 ** 30 };

let base: string;
let directory: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "drayage-"));
  directory = join(base, "state", "uploads");
});

afterEach(async () => {
  await chmod(base, 0o700);
  await rm(base, { recursive: true });
});

function memoryOf(owner: UploadOwner = gone, repository = "registry.test/app"): UploadMemory {
  return createUploadMemory({ directory, repository, owner });
}

describe("uploads are remembered", () => {
  it("by the repository and the blob, until they are forgotten", async () => {
    await memoryOf().set(digest, "/v2/app/blobs/uploads/1");
    await memoryOf().set(digest, "/v2/app/blobs/uploads/2");
    const later = createUploadMemory({ directory, repository: "registry.test/app" });
    expect(await later.get(digest)).toBe("/v2/app/blobs/uploads/2");
    expect(await later.get(other)).toBeUndefined();
    expect(await memoryOf(gone, "registry.test/other").get(digest)).toBeUndefined();
    await later.delete(digest);
    expect(await later.get(digest)).toBeUndefined();
    expect(await readdir(directory)).toEqual([]);
  });

  it("where nobody else may read them", async () => {
    await memoryOf().set(digest, "/upload");
    const [name = ""] = await readdir(directory);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
  });

  it("for the process itself, and for others when it has ended", async () => {
    const own: UploadOwner = { host: hostname(), pid: process.pid };
    await memoryOf(own).set(digest, "/upload");
    expect(await memoryOf(own).get(digest)).toBe("/upload");
    expect(await memoryOf(gone).get(digest)).toBeUndefined();
    const elsewhere: UploadOwner = { ...gone, host: "elsewhere.test" };
    await memoryOf(elsewhere).set(digest, "/upload");
    expect(await memoryOf(own).get(digest)).toBeUndefined();
  });

  it("for a week", async () => {
    await memoryOf().set(digest, "/upload");
    const [name = ""] = await readdir(directory);
    const lastWeek = new Date(Date.now() - 8 * 24 * 60 * 60 * 1000);
    await utimes(join(directory, name), lastWeek, lastWeek);
    await memoryOf().set(other, "/upload");
    expect(await memoryOf().get(digest)).toBeUndefined();
    expect(await readdir(directory)).toHaveLength(1);
  });
});

describe("nothing is remembered, and nothing fails,", () => {
  it.each(["", "{", "[]", "null", '{"id":1}', '{"repository":"registry.test/app"}'])(
    "of a file that holds %j",
    async (text) => {
      await memoryOf().set(digest, "/upload");
      const [name = ""] = await readdir(directory);
      await writeFile(join(directory, name), text);
      expect(await memoryOf().get(digest)).toBeUndefined();
    },
  );

  it("of a file that was copied to the place of another", async () => {
    await memoryOf().set(digest, "/upload");
    const [name = ""] = await readdir(directory);
    const text = await readFile(join(directory, name));
    await memoryOf().set(other, "/other");
    for (const file of await readdir(directory)) await writeFile(join(directory, file), text);
    expect(await memoryOf().get(other)).toBeUndefined();
  });

  it("where no file can be written", async () => {
    await writeFile(join(base, "state"), "a file in place of the folder");
    const memory = memoryOf();
    await memory.set(digest, "/upload");
    expect(await memory.get(digest)).toBeUndefined();
    await memory.delete(digest);
    expect(await readdir(base)).toEqual(["state"]);
  });
});

describe("uploads are remembered by default", () => {
  it.each([
    ["in XDG_STATE_HOME", { XDG_STATE_HOME: "/state" }, "/state/drayage/uploads"],
    [
      "not in a relative XDG_STATE_HOME",
      { XDG_STATE_HOME: "state" },
      "/home/me/.local/state/drayage/uploads",
    ],
    ["in LOCALAPPDATA", { LOCALAPPDATA: "/local" }, "/local/drayage/uploads"],
    ["at home", {}, "/home/me/.local/state/drayage/uploads"],
  ])("%s", (_where, env, directory_) => {
    expect(defaultUploadDirectory(env, () => "/home/me")).toBe(directory_);
  });

  it("nowhere, for a user without a home", () => {
    const nowhere = (): never => {
      throw new Error("ENOENT");
    };
    expect(defaultUploadDirectory({}, nowhere)).toBeUndefined();
    expect(defaultUploadDirectory({}, () => "")).toBeUndefined();
  });
});
