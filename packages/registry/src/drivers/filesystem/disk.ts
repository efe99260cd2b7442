import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OciError } from "@drayage/oci";
import { createSharedWork } from "./shared-work.ts";

/** Changes to files that nobody sees half done, and that stay. */
export interface Disk {
  /** Puts `bytes` into place as a whole. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Moves a file into place, with all that has been written to it. */
  publish(from: string, to: string): Promise<void>;
  /** A new file that is empty; it stays once its name has been settled. */
  create(path: string): Promise<void>;
  /** Waits until the names of the files in a directory are on the disk. */
  settleNames(directory: string): Promise<void>;
  /** Removes a file. Resolves to whether it was there. */
  remove(path: string): Promise<boolean>;
  /** Waits until the file's content is on the disk. */
  settle(file: Pick<FileHandle, "datasync">): Promise<void>;
}

/** @param temporary a directory on the same file system */
export function createDisk(temporary: string, { isStrict }: { readonly isStrict: boolean }): Disk {
  const syncTogether = createSharedWork((path) => withFile(path, "r", (directory) => directory.sync()));
  const settle = async (file: Pick<FileHandle, "datasync">): Promise<void> => {
    if (isStrict) await file.datasync();
  };
  const settleDirectory = async (path: string): Promise<void> => {
    // Windows has no such thing, and keeps its directories by itself.
    if (isStrict && process.platform !== "win32") await syncTogether(path);
  };
  /** Makes a directory and all above it, so that they stay too. */
  const makeDirectory = async (path: string): Promise<void> => {
    const first = await mkdir(path, { recursive: true });
    if (first === undefined) return;
    for (let made = path; made.length >= first.length; made = dirname(made))
      await settleDirectory(dirname(made));
  };
  const place = async (from: string, to: string): Promise<void> => {
    const move = (): Promise<void> => rename(from, to);
    await unlessMissing(move(), () => makeDirectory(dirname(to)).then(move));
    await settleDirectory(dirname(to));
  };
  const createWith = async (path: string, bytes: Uint8Array): Promise<void> => {
    const fill = (): Promise<void> =>
      withFile(path, "wx", async (file) => {
        if (bytes.byteLength > 0) await file.writeFile(bytes);
        await settle(file);
      });
    await unlessMissing(fill(), () => makeDirectory(dirname(path)).then(fill));
  };

  return {
    settle: (file) => onDisk(settle(file)),
    async write(path, bytes) {
      const draft = join(temporary, randomUUID());
      try {
        await createWith(draft, bytes);
        await place(draft, path);
      } catch (error) {
        await rm(draft, { force: true }).catch(() => undefined); // the first error tells more
        throw fault(error);
      }
    },
    async publish(from, to) {
      await onDisk(withFile(from, "r+", settle));
      await onDisk(place(from, to));
    },
    async create(path) {
      const make = (): Promise<void> => withFile(path, "wx", async () => undefined);
      await onDisk(unlessMissing(make(), () => makeDirectory(dirname(path)).then(make)));
    },
    settleNames: (directory) => onDisk(settleDirectory(directory)),
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
