import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { isOciError, readAll, type CallOptions } from "@drayage/oci";
import { unavailable } from "./failure.ts";

/** What was read, and whether others than the owner may read it too. */
export interface FileContent {
  readonly bytes: Uint8Array;
  readonly isExposed: boolean;
}

/** No configuration comes near it. */
const sizeLimit = 1024 * 1024;

/**
 * The content of a configuration file, or `undefined` if there is none.
 *
 * @throws OciError CREDENTIAL_UNAVAILABLE for a file that is there and cannot be read: it may have the credential
 */
export async function readFileIfThere(
  path: string,
  { signal }: CallOptions = {},
): Promise<FileContent | undefined> {
  try {
    const { mode, isFile } = await statOf(path);
    // Opening a pipe could wait for ever.
    if (!isFile)
      throw unavailable({ source: path, problem: "it is not a regular file", hint: "name a file" });
    const bytes = await readAll(createReadStream(path, { signal }), { limit: sizeLimit });
    return { bytes, isExposed: process.platform !== "win32" && (mode & 0o077) !== 0 };
  } catch (cause) {
    signal?.throwIfAborted();
    // ENOTDIR: HOME is often /dev/null for those who shall have none.
    if (isSystemError(cause, "ENOENT", "ENOTDIR")) return undefined;
    if (isOciError(cause, "CREDENTIAL_UNAVAILABLE")) throw cause;
    throw unreadable(path, cause);
  }
}

/** Whether `error` is one of the operating system's, with that code. */
export function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.some((code) => code === error.code);
}

async function statOf(path: string): Promise<{ readonly mode: number; readonly isFile: boolean }> {
  const found = await stat(path);
  return { mode: found.mode, isFile: found.isFile() };
}

function unreadable(path: string, cause: unknown): Error {
  const problem = isOciError(cause, "LIMIT_EXCEEDED")
    ? `it is larger than ${sizeLimit} bytes, so no configuration`
    : "it cannot be read";
  return unavailable({ source: path, problem, hint: "make it readable for this user, or remove it", cause });
}
