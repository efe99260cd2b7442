import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { OciError, sleep, type CallOptions } from "@drayage/oci";
import { isSystemError } from "./read-file.ts";

/** How a lock is waited for. */
export interface LockOptions extends CallOptions {
  /** The time in milliseconds since 1970, by the clock that dates files. */
  readonly now?: (() => number) | undefined;
}

/** What is done under a lock takes milliseconds; a lock this old, in milliseconds, was left by a crash. */
const staleAge = 10_000;
const patience = 3 * staleAge;
const pause = 20;

/**
 * What `work` results in, done while nobody else holds the lock file at `path`.
 *
 * @throws OciError UNAVAILABLE if others hold it for 30 seconds
 */
export async function withLock<Result>(
  path: string,
  work: () => Promise<Result>,
  options: LockOptions = {},
): Promise<Result> {
  const token = await acquire(path, options);
  try {
    return await work();
  } finally {
    // Whoever took us for dead has put a token of their own there.
    if ((await tokenAt(path)) === token) await rm(path, { force: true });
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
  const hint = `remove ${path} if no login is running`;
  throw new OciError("UNAVAILABLE", `${path} has been locked for too long`, { hint });
}

async function create(path: string, token: string): Promise<boolean> {
  try {
    await writeFile(path, token, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (isSystemError(error, "EEXIST")) return false;
    throw error;
  }
}

/** Whether the file is so old that who made it must have crashed. */
export async function isStale(path: string, now: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Math.abs(now - found.mtimeMs) > staleAge;
}

/**
 * Removes the lock, unless somebody else has done so since and it is a new one: that is put back.
 *
 * In between a third one could lock too, which is why what is done under a lock must still check its ground.
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
