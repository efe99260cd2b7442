import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOf, digestOf, readAll, type StorageDriver } from "@drayage/oci";
import { expect, onTestFinished, test } from "vitest";
import { createFilesystemDriver } from "../filesystem.ts";
import { createDisk, onDisk } from "./disk.ts";

/** A storage whose directory is a file, so that the system refuses whatever is done in it. */
async function brokenDriver(): Promise<StorageDriver> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, "file");
  await writeFile(path, "");
  return createFilesystemDriver(path);
}

const digest = digestOf(new Uint8Array(0));
const id = "00000000-0000-4000-8000-000000000000";

type Call = (driver: StorageDriver) => Promise<unknown>;
const calls: Readonly<Record<string, Call>> = {
  "documents.get": ({ documents }) => documents.get("a/b"),
  "documents.head": ({ documents }) => documents.head("a/b"),
  "documents.put": ({ documents }) => documents.put("a/b", new Uint8Array(1)),
  "documents.delete": ({ documents }) => documents.delete("a/b"),
  "documents.list": ({ documents }) => documents.list("a/", { limit: 1 }),
  "blobs.stat": ({ blobs }) => blobs.stat(digest),
  "blobs.read": ({ blobs }) => readAll(blobs.read(digest, { start: 0, length: 1 }), { limit: 1 }),
  "blobs.begin": ({ blobs }) => blobs.begin({ id }),
  "blobs.append": ({ blobs }) => blobs.append(id, bytesOf(), { at: 0 }),
  "blobs.offset": ({ blobs }) => blobs.offset(id),
  "blobs.commit": ({ blobs }) => blobs.commit(id, digest, { verify: false }),
  "blobs.abort": ({ blobs }) => blobs.abort(id),
  "blobs.list": ({ blobs }) => blobs.list({ limit: 1 }),
  "blobs.touch": ({ blobs }) => blobs.touch(digest),
  "blobs.quarantine": ({ blobs }) => blobs.quarantine(digest),
  "blobs.reap": ({ blobs }) => blobs.reap({ before: 1, isOpen: async () => false }),
  "blobs.remove": ({ blobs }) => blobs.remove(digest),
};

test.each(Object.entries(calls))(
  "%s that the system refuses is UNAVAILABLE, with the refusal as its cause",
  async (_, call) => {
    const refusal = { code: "UNAVAILABLE", cause: { code: "ENOTDIR" } };
    await expect(call(await brokenDriver())).rejects.toMatchObject(refusal);
  },
);

test.each(["ENOSPC", "EDQUOT"])("%s is STORAGE_FULL", async (code) => {
  const full = Object.assign(new Error(code), { code, syscall: "write" });
  await expect(onDisk(Promise.reject(full))).rejects.toMatchObject({ code: "STORAGE_FULL", cause: full });
});

test("what is not of the system is left as it is", async () => {
  const reason = Object.assign(new Error("the caller's"), { code: "ABORT_ERR" });
  await expect(onDisk(Promise.reject(reason))).rejects.toBe(reason);
});

// https://wiki.postgresql.org/wiki/Fsync_Errors
test.skipIf(process.platform === "win32")(
  "a file that cannot be put on the disk is removed: the system would not say so twice",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "drayage-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const [from, to] = [join(directory, "part"), join(directory, "content")];
    execFileSync("mkfifo", [from]); // which no system synchronizes
    const disk = createDisk(directory, { isStrict: true });
    await expect(disk.publish(from, to)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect([existsSync(from), existsSync(to)]).toEqual([false, false]);
  },
);
