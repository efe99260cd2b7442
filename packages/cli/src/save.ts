import { randomUUID } from "node:crypto";
import { link as linkFile, lstat, open, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { isOciError, OciError, type Bytes, type CallOptions } from "@drayage/oci";

interface SaveOptions extends CallOptions {
  /** Gives a file a second name, if nothing has that name. */
  readonly link?: typeof linkFile | undefined;
}

/**
 * Writes `bytes` to a new file, which is there as a whole or not at all, even if the process is killed: until then
 * they are in a hidden file beside it.
 *
 * @throws OciError OPTION_INVALID for a file that is there already or cannot be made, and whatever `bytes` throw
 */
export async function saveFile(
  path: string,
  bytes: Bytes,
  { signal, link = linkFile }: SaveOptions,
): Promise<void> {
  await requireNew(path);
  const part = join(dirname(path), `.drayage-${randomUUID()}`);
  const file = await create(part, path);
  try {
    await pipeline(bytes, file.createWriteStream({ flush: true }), signal === undefined ? {} : { signal });
    await publish(part, path, { link });
  } catch (error) {
    signal?.throwIfAborted();
    throw isOciError(error) ? error : notWritten("UNAVAILABLE", path, error);
  } finally {
    await rm(part, { force: true });
  }
}

/** For before anything is written, or long work is begun that ends with it. @throws OciError OPTION_INVALID */
export async function requireNew(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found !== undefined) throw isThere(path);
}

async function create(part: string, path: string): Promise<FileHandle> {
  try {
    return await open(part, "wx");
  } catch (error) {
    throw notWritten("OPTION_INVALID", path, error);
  }
}

async function publish(
  part: string,
  path: string,
  { link }: { readonly link: typeof linkFile },
): Promise<void> {
  try {
    await link(part, path);
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw isThere(path);
    // Not every file system has second names.
    await requireNew(path);
    await rename(part, path);
  }
}

function isThere(path: string): OciError {
  return new OciError("OPTION_INVALID", `${path} is there already`);
}

function notWritten(code: "OPTION_INVALID" | "UNAVAILABLE", path: string, cause: unknown): OciError {
  return new OciError(code, `cannot write ${path}: ${codeOf(cause)}`, { cause });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
