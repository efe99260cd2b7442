import { randomUUID } from "node:crypto";
import { open, rm } from "node:fs/promises";
import {
  algorithmOf,
  createDigester,
  mediaType,
  OciError,
  type Bytes,
  type CallOptions,
  type Descriptor,
  type Digest,
  type UploadSession,
} from "@drayage/oci";
import type { LayoutDirectory } from "./directory.ts";
import { onDisk, openFile, readPart, sizeOfFile, withFile } from "./disk.ts";
import { writeBytes } from "./draft.ts";

const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A new upload. */
export async function beginUpload(directory: LayoutDirectory): Promise<UploadSession> {
  const id = randomUUID();
  await directory.createDraft(id);
  return new LayoutUpload(id, 0, directory);
}

/**
 * The upload begun as `id`, maybe by another process.
 *
 * @throws OciError BLOB_UPLOAD_UNKNOWN
 */
export async function resumeUpload(id: string, directory: LayoutDirectory): Promise<UploadSession> {
  const offset = idPattern.test(id) ? await sizeOfFile(directory.draftPath(id)) : undefined;
  if (offset === undefined) throw uploadUnknown(id);
  return new LayoutUpload(id, offset, directory);
}

class LayoutUpload implements UploadSession {
  readonly id: string;
  readonly #directory: LayoutDirectory;
  #offset: number;

  constructor(id: string, offset: number, directory: LayoutDirectory) {
    this.id = id;
    this.#offset = offset;
    this.#directory = directory;
  }

  get offset(): number {
    return this.#offset;
  }

  async append(
    bytes: Bytes,
    { at, signal }: CallOptions & { readonly at?: number | undefined } = {},
  ): Promise<number> {
    const start = await this.status({ signal });
    if (at !== undefined && at !== start) {
      throw new OciError("RANGE_INVALID", `the upload is at byte ${start}, not ${at}`);
    }
    const file = await onDisk(open(this.#path(), "r+"));
    this.#offset = await withFile(file, (opened) =>
      writeBytes(opened, bytes, { at: start, what: `upload ${this.id}`, signal }),
    );
    return this.#offset;
  }

  async status({ signal }: CallOptions = {}): Promise<number> {
    signal?.throwIfAborted();
    const size = await sizeOfFile(this.#path());
    if (size === undefined) throw uploadUnknown(this.id);
    this.#offset = size;
    return size;
  }

  async commit(digest: Digest, { signal }: CallOptions = {}): Promise<Descriptor> {
    const size = await this.status({ signal });
    const actual = await this.#digest(size, { digest, signal });
    if (actual !== digest) {
      await this.cancel();
      throw new OciError("DIGEST_INVALID", `the upload hashes to ${actual}, not to ${digest}`);
    }
    await this.#directory.publish(this.#path(), digest);
    return { mediaType: mediaType.octetStream, digest, size };
  }

  async cancel({ signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    await onDisk(rm(this.#path(), { force: true }));
  }

  async #digest(
    length: number,
    { digest, signal }: CallOptions & { readonly digest: Digest },
  ): Promise<Digest> {
    const file = await openFile(this.#path());
    if (file === undefined) throw uploadUnknown(this.id);
    return withFile(file, async (opened) => {
      const digester = createDigester(algorithmOf(digest));
      for await (const chunk of readPart(opened, { start: 0, length, signal })) digester.update(chunk);
      return digester.digest();
    });
  }

  #path(): string {
    return this.#directory.draftPath(this.id);
  }
}

function uploadUnknown(id: string): OciError {
  return new OciError("BLOB_UPLOAD_UNKNOWN", `there is no upload ${id}`);
}
