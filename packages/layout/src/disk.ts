import { constants } from "node:fs";
import { lstat, open, type FileHandle } from "node:fs/promises";
import { OciError, type CallOptions } from "@drayage/oci";

/** Which bytes of a file are wanted. */
export interface ReadPart extends CallOptions {
  readonly start: number;
  readonly length: number;
}

const chunkSize = 1024 * 1024;
/** How many times a file may be another one than was looked at: writers put a new `index.json` in the place of the old. */
const mostReplaced = 100;

/**
 * The same call, whose refusals by the system have a code.
 *
 * @param what the object it is about, where the system does not know its path
 * @throws OciError STORAGE_FULL, UNAVAILABLE
 */
export async function onDisk<Value>(call: Promise<Value>, what?: string): Promise<Value> {
  try {
    return await call;
  } catch (error) {
    throw fault(error, what);
  }
}

/** What a call about a file resolves to, or `undefined` if there is no such file. @throws OciError UNAVAILABLE */
export async function ifPresent<Value>(call: Promise<Value>): Promise<Value | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return undefined;
    throw fault(error, undefined);
  }
}

/** Whether `error` is a failed system call with one of these codes, such as `ENOENT`. */
export function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  const code = codeOf(error);
  return code !== undefined && codes.includes(code);
}

/**
 * Resolves to whether a directory is at `path`.
 *
 * @throws OciError STORAGE_INVALID for anything else, symbolic links included: it could lead out of the layout
 */
export async function isDirectory(path: string): Promise<boolean> {
  const found = await ifPresent(lstat(path));
  if (found !== undefined && !found.isDirectory()) throw notWhatItShould(path, "directory");
  return found !== undefined;
}

/**
 * The size in bytes of the regular file at `path`, or `undefined` if nothing is there.
 *
 * @throws OciError STORAGE_INVALID for anything else, symbolic links and devices included
 */
export async function sizeOfFile(path: string): Promise<number | undefined> {
  const found = await ifPresent(lstat(path));
  if (found !== undefined && !found.isFile()) throw notWhatItShould(path, "file");
  return found?.size;
}

/**
 * The regular file at `path`, opened for reading, or `undefined` if nothing is there.
 *
 * @throws OciError STORAGE_INVALID for anything else; a FIFO is not waited for, and a link is not followed
 */
export async function openFile(path: string): Promise<FileHandle | undefined> {
  for (let replaced = 0; replaced < mostReplaced; replaced += 1) {
    const before = await ifPresent(lstat(path));
    if (before === undefined) return undefined;
    if (!before.isFile()) throw notWhatItShould(path, "file");
    const file = await openUnfollowed(path);
    if (file === undefined) return undefined;
    const opened = await file.stat();
    if (opened.isFile() && opened.dev === before.dev && opened.ino === before.ino) return file;
    await file.close();
  }
  throw notWhatItShould(path, "file that stays the same");
}

/**
 * The file that a user has named, opened for reading; links are followed, since it was they who chose it.
 *
 * @throws OciError UNAVAILABLE if it is not there, STORAGE_INVALID if it is no file
 */
export async function openGiven(path: string): Promise<FileHandle> {
  const file = await ifPresent(open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  if (file === undefined) throw new OciError("UNAVAILABLE", `there is no file ${path}`, { retryable: false });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw notWhatItShould(path, "file");
}

/** Part of an open file; while one chunk is used, the next is read. */
export async function* readPart(
  file: FileHandle,
  { start, length, signal }: ReadPart,
): AsyncGenerator<Uint8Array, void, undefined> {
  const end = start + length;
  let position = start;
  const readNext = (): Promise<Uint8Array> => readChunk(file, position, Math.min(chunkSize, end - position));
  let next = readNext();
  try {
    while (position < end) {
      const chunk = await next;
      signal?.throwIfAborted();
      position += chunk.byteLength;
      if (position < end) next = readNext();
      next.catch(() => undefined); // the reader may leave before it gets to this
      yield chunk;
    }
  } finally {
    await next.catch(() => undefined);
  }
}

/** Runs `use` with the opened file, which is closed whatever happens. */
export async function withFile<Result>(
  file: FileHandle,
  use: (file: FileHandle) => Promise<Result>,
): Promise<Result> {
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

async function openUnfollowed(path: string): Promise<FileHandle | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    return await ifPresent(open(path, flags));
  } catch (error) {
    if (error instanceof OciError && isSystemError(error.cause, "ELOOP")) throw notWhatItShould(path, "file");
    throw error;
  }
}

async function readChunk(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  if (length === 0) return new Uint8Array(0);
  const { bytesRead, buffer } = await onDisk(file.read(Buffer.allocUnsafe(length), 0, length, position));
  if (bytesRead === 0) throw new OciError("STORAGE_INVALID", "content on the disk is cut short");
  return bytesRead === length ? buffer : buffer.subarray(0, bytesRead);
}

/** An error of the system in our words; any other is left as it is. */
function fault(error: unknown, what: string | undefined): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  const object = what ?? pathOf(error);
  const prefix = object === undefined ? "" : `${object}: `;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new OciError("STORAGE_FULL", `${prefix}there is no room left on the disk`, { cause: error });
  }
  return new OciError("UNAVAILABLE", `${prefix}the disk cannot be used: ${code}`, { cause: error });
}

function pathOf(error: unknown): string | undefined {
  return error instanceof Error && "path" in error ? String(error.path) : undefined;
}

function codeOf(error: unknown): string | undefined {
  const isOfSystem = error instanceof Error && "syscall" in error && "code" in error;
  return isOfSystem ? String(error.code) : undefined;
}

function notWhatItShould(path: string, kind: string): OciError {
  return new OciError("STORAGE_INVALID", `${path} is not a ${kind}`);
}
