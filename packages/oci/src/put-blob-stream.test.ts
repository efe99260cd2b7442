import { expect, it } from "vitest";
import { bytesOf, readAll, type Bytes } from "./bytes.ts";
import { digestOf } from "./digest.ts";
import { mediaType } from "./media-type.ts";
import { MemoryRegistry } from "./memory.ts";
import { putBlobStream } from "./put-blob-stream.ts";
import type { BlobWriter, UploadSession } from "./repository.ts";

const content = new TextEncoder().encode("of unknown length");
const parts = (): Bytes => bytesOf(content.subarray(0, 5), content.subarray(5));

/** A repository, a way to upload to it, and the uploads that were opened by that way. */
function openRepository() {
  const sessions: UploadSession[] = [];
  const repository = new MemoryRegistry().repository("a/b");
  const target: Pick<BlobWriter, "openUpload"> = {
    async openUpload(options) {
      const session = await repository.openUpload(options);
      sessions.push(session);
      return session;
    },
  };
  return { repository, target, sessions };
}

it("resolves to the descriptor of what came", async () => {
  const { repository } = openRepository();
  const digest = digestOf(content);
  expect(await putBlobStream(repository, parts(), { mediaType: mediaType.ociLayer })).toEqual({
    mediaType: mediaType.ociLayer,
    digest,
    size: content.byteLength,
  });
  const { body } = await repository.getBlob(digest);
  expect(digestOf(await readAll(body, { limit: 100 }))).toBe(digest);
});

it("names the blob by sha512 where that is wanted", async () => {
  const { repository } = openRepository();
  const { digest } = await putBlobStream(repository, parts(), { algorithm: "sha512" });
  expect(digest).toBe(digestOf(content, "sha512"));
  expect(await repository.headBlob(digest)).toBeDefined();
});

it("of nothing is the empty blob", async () => {
  const { repository } = openRepository();
  expect(await putBlobStream(repository, bytesOf())).toMatchObject({
    digest: digestOf(new Uint8Array()),
    size: 0,
  });
});

it("gives the upload up if its source fails, and throws what the source has thrown", async () => {
  const { target, sessions } = openRepository();
  const lost = new Error("the source is gone");
  async function* failing() {
    yield content;
    throw lost;
  }
  await expect(putBlobStream(target, failing())).rejects.toBe(lost);
  await expect(sessions[0]?.status()).rejects.toMatchObject({ code: "BLOB_UPLOAD_UNKNOWN" });
});

it("throws what went wrong even if the upload cannot be given up", async () => {
  const problem = new Error("no");
  const session: UploadSession = {
    id: "",
    offset: 0,
    append: () => Promise.reject(problem),
    status: () => Promise.resolve(0),
    commit: () => Promise.reject(problem),
    cancel: () => Promise.reject(new Error("nor that")),
  };
  const target = { openUpload: () => Promise.resolve(session) };
  await expect(putBlobStream(target, parts())).rejects.toBe(problem);
});
