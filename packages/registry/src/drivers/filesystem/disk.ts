import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OciError } from "@drayage/oci";
import { createSharedWork } from "./shared-work.ts";

/** Changes to files that nobody sees half done, and that stay. */
export interface Disk {
  /** Puts `bytes` into place as a whole. Resolves to when, in milliseconds since 1970. */
  write(path: string, bytes: Uint8Array, options?: WriteOptions): Promise<number>;
  /** Moves a file into place, with all that has been written to it. */
  publish(from: string, to: string): Promise<void>;
  /** Moves a file as it is. Resolves to whether it was there. */
  move(from: string, to: string): Promise<boolean>;
  /** A new file that is empty. */
  create(path: string): Promise<void>;
  /** Removes a file. Resolves to whether it was there. */
  remove(path: string): Promise<boolean>;
}

interface WriteOptions {
  /** Whether a loss of power may take it. */
  readonly isRelaxed?: boolean | undefined;
}

/** @param temporary a directory on the same file system */
export function createDisk(temporary: string, { isStrict }: { readonly isStrict: boolean }): Disk {
  const syncTogether = createSharedWork((path) => withFile(path, "r", (directory) => directory.sync()));
  const settle = async (file: FileHandle): Promise<void> => {
    if (isStrict) await file.datasync();
  };
  const settleDirectory = async (path: string): Promise<void> => {
    // Windows has no such thing, and keeps its directories by itself.
    if (isStrict && process.platform !== "win32") await syncTogether(path);
  };
  const settleAll = async (directories: readonly string[]): Promise<void> => {
    await Promise.all(directories.map(settleDirectory));
  };
  /** Makes a directory and all above it. Resolves to those in which names are new. */
  const makeDirectory = async (path: string): Promise<readonly string[]> =>
    parentsOf(path, await mkdir(path, { recursive: true }));
  const place = async (from: string, to: string, { isRelaxed = false }: WriteOptions = {}): Promise<void> => {
    const directory = dirname(to);
    const made = await unlessMissing(
      rename(from, to).then((): readonly string[] => []),
      async () => {
        const parents = await makeDirectory(directory);
        await rename(from, to);
        return parents;
      },
    );
    await settleAll(isRelaxed ? made : [directory, ...made]);
  };
  const createWith = async (
    path: string,
    bytes: Uint8Array,
    { isRelaxed = false }: WriteOptions = {},
  ): Promise<number> => {
    const fill = (): Promise<number> =>
      withFile(path, "wx", async (file) => {
        if (bytes.byteLength > 0) await file.writeFile(bytes);
        if (bytes.byteLength > 0 && !isRelaxed) await settle(file);
        return (await file.stat()).mtimeMs;
      });
    return unlessMissing(fill(), () => makeDirectory(dirname(path)).then(settleAll).then(fill));
  };

  return {
    async write(path, bytes, options = {}) {
      const draft = join(temporary, randomUUID());
      try {
        const modified = await createWith(draft, bytes, options);
        await place(draft, path, options);
        return modified;
      } catch (error) {
        await rm(draft, { force: true }).catch(() => undefined); // the first error tells more
        throw fault(error);
      }
    },
    async publish(from, to) {
      try {
        await withFile(from, "r+", settle);
      } catch (error) {
        // The system says so once, and forgets the bytes: a second attempt would seem to succeed.
        if (codeOf(error) !== "ENOENT") await rm(from, { force: true }).catch(() => undefined);
        throw fault(error);
      }
      await onDisk(place(from, to));
    },
    async move(from, to) {
      const isMoved = (await ifPresent(place(from, to).then(() => true))) ?? false;
      if (isMoved) await onDisk(settleDirectory(dirname(from)));
      return isMoved;
    },
    async create(path) {
      await onDisk(createWith(path, new Uint8Array(0)));
    },
    async remove(path) {
      const removed = await onDisk(ifPresent(rm(path).then(() => true)));
      if (removed !== undefined) await onDisk(settleDirectory(dirname(path)));
      return removed ?? false;
    },
  };
}

/** The directories that hold those from `first` down to `last`; none if there is no first. */
function parentsOf(last: string, first: string | undefined): readonly string[] {
  const parents: string[] = [];
  if (first === undefined) return parents;
  for (let made = last; made.length >= first.length; made = dirname(made)) parents.push(dirname(made));
  return parents;
}

/** Runs `use` with the opened file, which is closed whatever happens. */
export async function withFile<Result>(
  path: string,
  flags: string,
  use: (file: FileHandle) => Promise<Result>,
): Promise<Result> {
  const file = await open(path, flags);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** What a call about a file resolves to, or `undefined` if there is no such file. @throws OciError UNAVAILABLE */
export async function ifPresent<Value>(call: Promise<Value>): Promise<Value | undefined> {
  return unlessMissing<Value | undefined>(call, async () => undefined);
}

/** The same call, whose refusals by the system have a code. @throws OciError STORAGE_FULL, UNAVAILABLE */
export async function onDisk<Value>(call: Promise<Value>): Promise<Value> {
  try {
    return await call;
  } catch (error) {
    throw fault(error);
  }
}

async function unlessMissing<Value>(call: Promise<Value>, otherwise: () => Promise<Value>): Promise<Value> {
  try {
    return await call;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw fault(error);
    return otherwise();
  }
}

/** An error of the system in our words; any other is left as it is. */
function fault(error: unknown): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new OciError("STORAGE_FULL", "there is no room left on the disk", { cause: error });
  }
  return new OciError("UNAVAILABLE", `the disk cannot be used: ${code}`, { cause: error });
}

/** The code of a failed system call, such as `ENOENT`. */
function codeOf(error: unknown): string | undefined {
  const isOfSystem = error instanceof Error && "syscall" in error && "code" in error;
  return isOfSystem ? String(error.code) : undefined;
}
