import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OciError } from "@drayage/oci";

/** Changes to files that nobody sees half done, and that stay. */
export interface Disk {
  /** Puts `bytes` into place as a whole. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Moves a file into place, with all that has been written to it. */
  publish(from: string, to: string): Promise<void>;
  /** A new file that is empty. */
  create(path: string): Promise<void>;
  /** Removes a file. Resolves to whether it was there. */
  remove(path: string): Promise<boolean>;
  /** Waits until the file's content is on the disk. */
  settle(file: Pick<FileHandle, "datasync">): Promise<void>;
}

/** @param temporary a directory on the same file system */
export function createDisk(temporary: string, { isStrict }: { readonly isStrict: boolean }): Disk {
  const settle = async (file: Pick<FileHandle, "datasync">): Promise<void> => {
    if (isStrict) await file.datasync();
  };
  const settleDirectory = async (path: string): Promise<void> => {
    // Windows has no such thing, and keeps its directories by itself.
    if (isStrict && process.platform !== "win32") await withFile(path, "r", (directory) => directory.sync());
  };
  /** Makes a directory and all above it, so that they stay too. */
  const make = async (path: string): Promise<void> => {
    const first = await mkdir(path, { recursive: true });
    if (first === undefined) return;
    for (let made = path; made.length >= first.length; made = dirname(made))
      await settleDirectory(dirname(made));
  };
  const place = async (from: string, to: string): Promise<void> => {
    const move = (): Promise<void> => rename(from, to);
    await unlessMissing(move(), () => make(dirname(to)).then(move));
    await settleDirectory(dirname(to));
  };
  const createWith = async (path: string, bytes: Uint8Array): Promise<void> => {
    const fill = (): Promise<void> =>
      withFile(path, "wx", async (file) => {
        await file.writeFile(bytes);
        await settle(file);
      });
    await unlessMissing(fill(), () => make(dirname(path)).then(fill));
  };

  return {
    settle: (file) => onDisk(settle(file)),
    async write(path, bytes) {
      const draft = join(temporary, randomUUID());
      try {
        await createWith(draft, bytes);
        await place(draft, path);
      } catch (error) {
        await rm(draft, { force: true });
        throw fault(error);
      }
    },
    async publish(from, to) {
      await onDisk(withFile(from, "r+", settle));
      await onDisk(place(from, to));
    },
    async create(path) {
      await onDisk(createWith(path, new Uint8Array(0)));
      await onDisk(settleDirectory(dirname(path)));
    },
    async remove(path) {
      const removed = await onDisk(ifPresent(rm(path).then(() => true)));
      if (removed !== undefined) await onDisk(settleDirectory(dirname(path)));
      return removed ?? false;
    },
  };
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

/** What a call about a file resolves to, or `undefined` if there is no such file. */
export async function ifPresent<Value>(call: Promise<Value>): Promise<Value | undefined> {
  return unlessMissing<Value | undefined>(call, async () => undefined);
}

/** The same call, throwing STORAGE_FULL where the disk has no room. */
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
    if (codeOf(error) !== "ENOENT") throw error;
    return otherwise();
  }
}

function fault(error: unknown): unknown {
  const code = codeOf(error);
  const isFull = code === "ENOSPC" || code === "EDQUOT";
  return isFull ? new OciError("STORAGE_FULL", "there is no room left on the disk", { cause: error }) : error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
