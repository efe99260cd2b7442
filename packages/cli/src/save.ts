import { open, rm, type FileHandle } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { isOciError, OciError, type Bytes, type CallOptions } from "@drayage/oci";

/**
 * Writes `bytes` to a new file, which is there as a whole or not at all.
 *
 * @throws OciError OPTION_INVALID for a file that is there already or cannot be made, and whatever `bytes` throw
 */
export async function saveFile(path: string, bytes: Bytes, { signal }: CallOptions): Promise<void> {
  const file = await create(path);
  try {
    await pipeline(bytes, file.createWriteStream(), signal === undefined ? {} : { signal });
  } catch (error) {
    await rm(path, { force: true });
    signal?.throwIfAborted();
    throw isOciError(error) ? error : notWritten("UNAVAILABLE", path, error);
  }
}

async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, "wx");
  } catch (error) {
    throw notWritten("OPTION_INVALID", path, error);
  }
}

function notWritten(code: "OPTION_INVALID" | "UNAVAILABLE", path: string, cause: unknown): OciError {
  const reason = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
  const problem = reason === "EEXIST" ? `${path} is there already` : `cannot write ${path}: ${reason}`;
  return new OciError(code, problem, { cause });
}
