import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { OciError, sleep, type CallOptions } from "@drayage/oci";
import { isSystemError, onDisk } from "./disk.ts";

/** What is done under a lock takes milliseconds; a lock this old, in milliseconds, was left by a crash. */
const staleAge = 10_000;
const patience = 3 * staleAge;
const pause = 10;

/** What is held while others wait. */
export interface Lock {
  /** Throws if somebody has taken the holder for dead meanwhile. @throws OciError UNAVAILABLE */
  confirm(): Promise<void>;
}

/** How a lock is waited for. */
export interface LockOptions extends CallOptions {
  /** The time in milliseconds since 1970, by the clock that dates files. */
  readonly now?: (() => number) | undefined;
}

/**
 * What `work` results in, done while nobody else holds the lock file at `path`, in this process or another.
 *
 * @throws OciError UNAVAILABLE if others hold it for 30 seconds
 */
export async function withLock<Result>(
  path: string,
  work: (lock: Lock) => Promise<Result>,
  options: LockOptions = {},
): Promise<Result> {
  const token = await acquire(path, options);
  const isMine = async (): Promise<boolean> => (await tokenAt(path)) === token;
  try {
    return await work({
      async confirm() {
        if (!(await isMine())) throw new OciError("UNAVAILABLE", `${path} was taken over by another process`);
      },
    });
  } finally {
    if (await isMine()) await rm(path, { force: true });
  }
}

async function acquire(path: string, { signal, now = Date.now }: LockOptions): Promise<string> {
  const token = randomUUID();
  for (let waited = 0; waited < patience; waited += pause) {
    signal?.throwIfAborted();
    if (await create(path, token)) return token;
    if (await isStale(path, now())) await setAside(path, now());
    else await sleep(pause, { signal });
  }
  const hint = `remove ${path} if nothing else writes there`;
  throw new OciError("UNAVAILABLE", `${path} has been locked for too long`, { hint });
}

async function create(path: string, token: string): Promise<boolean> {
  try {
    await writeFile(path, token, { flag: "wx" });
    return true;
  } catch (error) {
    if (isSystemError(error, "EEXIST")) return false;
    // It is made before it is written, and on a full disk no more than that.
    if (isSystemError(error, "ENOSPC", "EDQUOT")) await rm(path, { force: true });
    return onDisk(Promise.reject(error), path);
  }
}

async function isStale(path: string, now: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Math.abs(now - found.mtimeMs) > staleAge;
}

/**
 * Removes the lock, unless somebody else has done so since and it is a new one: that is put back.
 *
 * In between a third one could lock too, which is why the holder confirms its lock before it publishes.
 */
async function setAside(path: string, now: number): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
    if (!(await isStale(aside, now))) await link(aside, path);
  } catch (error) {
    if (!isSystemError(error, "ENOENT", "EEXIST")) throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

async function tokenAt(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}
