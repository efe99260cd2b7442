import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOf, digestOf, MemoryRegistry, readAll, trace, type Repository } from "@drayage/oci";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openInput, type Input } from "./input.ts";
import { uploadInput } from "./upload.ts";

let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), "drayage-upload-"))));
afterAll(() => rm(directory, { recursive: true }));

let repository: Repository;
let calls: string[];
beforeEach(() => {
  calls = [];
  repository = trace(new MemoryRegistry(), ({ call }) => calls.push(call)).repository("app");
});

const bytes = new TextEncoder().encode("content");
const digest = digestOf(bytes);
const stream = (): Input => ({ size: undefined, bytes: bytesOf(bytes.subarray(0, 3), bytes.subarray(3)) });

async function file(): Promise<Input> {
  await writeFile(join(directory, "file"), bytes);
  return openInput(join(directory, "file"), {});
}

async function stored(): Promise<string> {
  return new TextDecoder().decode(await readAll((await repository.getBlob(digest)).body, { limit: 99 }));
}

describe("content of the user's", () => {
  it("is hashed, then put, if it is a file; and not sent again", async () => {
    const uploaded = { digest, size: 7 };
    expect(await uploadInput(repository, await file(), {})).toEqual({ ...uploaded, result: "uploaded" });
    expect(await uploadInput(repository, await file(), {})).toEqual({ ...uploaded, result: "present" });
    expect(calls).toEqual(["putBlob", "putBlob"]);
    expect(await stored()).toBe("content");
  });

  it("is sent while it comes if it is a stream", async () => {
    expect(await uploadInput(repository, stream(), {})).toEqual({ digest, size: 7, result: "uploaded" });
    expect(await stored()).toBe("content");
  });

  it("may be nothing", async () => {
    const uploaded = await uploadInput(repository, { size: undefined, bytes: bytesOf() }, {});
    expect(uploaded).toEqual({ digest: digestOf(new Uint8Array()), size: 0, result: "uploaded" });
  });

  it.each([
    ["a file", file],
    ["a stream", stream],
  ])("is not stored if it is not what it has to be: %s", async (_kind, open) => {
    const expected = digestOf(new Uint8Array(), "sha512");
    const uploaded = uploadInput(repository, await open(), { expected });
    await expect(uploaded).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(await repository.headBlob(digest)).toBeUndefined();
    expect(await repository.headBlob(expected)).toBeUndefined();
  });
});
