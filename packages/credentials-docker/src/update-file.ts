import { randomUUID } from "node:crypto";
import {
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  type FileHandle,
} from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { isOciError, OciError } from "@drayage/oci";
import { unavailable } from "./failure.ts";
import { isStale, withLock, type LockOptions } from "./lock.ts";
import { isSystemError, readFileIfThere } from "./read-file.ts";

const attempts = 5;
const lockSuffix = ".drayage-lock";

/** What {@link writeBeside}, and the lock, put beside a file and take away again. */
const leftoverSuffix = /^(?:\.drayage-lock)?\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.tmp)?$/;

/**
 * Replaces a file by what `change` makes of its content, in one step and readable by its owner only.
 *
 * A symbolic link stays, and what it names is replaced. Others that use this function wait for each other; other
 * programs do not, so before replacing it is checked that the content is still what was changed.
 *
 * @param change is given what is there, maybe more than once; `undefined` leaves the file alone
 * @throws OciError CREDENTIAL_UNAVAILABLE, UNAVAILABLE
 */
export async function updateFile(
  path: string,
  change: (content: Uint8Array | undefined) => Uint8Array | undefined,
  options: LockOptions = {},
): Promise<void> {
  try {
    const target = await targetOf(path);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await withLock(
      `${target}${lockSuffix}`,
      async () => {
        await removeLeftovers(target, options);
        await replace(target, change);
      },
      options,
    );
  } catch (cause) {
    options.signal?.throwIfAborted();
    if (isOciError(cause)) throw cause;
    const hint = "make the file and its directory writable for this user";
    throw unavailable({ source: path, problem: "it cannot be written", hint, cause });
  }
}

/**
 * Removes what a process that was killed has left beside the file: it may hold secrets that the file no longer does.
 * What cannot be removed keeps nobody from logging in.
 */
async function removeLeftovers(target: string, { now = Date.now }: LockOptions): Promise<void> {
  const [directory, name] = [dirname(target), basename(target)];
  const neighbours = await readdir(directory).catch(() => []);
  const leftovers = neighbours.filter(
    (each) => each.startsWith(name) && leftoverSuffix.test(each.slice(name.length)),
  );
  for (const path of leftovers.map((each) => join(directory, each))) {
    if (await isStale(path, now())) await rm(path, { force: true }).catch(() => undefined);
  }
}

async function replace(
  target: string,
  change: (content: Uint8Array | undefined) => Uint8Array | undefined,
): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const before = (await readFileIfThere(target))?.bytes;
    const after = change(before);
    if (after === undefined) return;
    const temporary = await writeBeside(target, after);
    try {
      const now = (await readFileIfThere(target))?.bytes;
      if (isEqual(before, now)) return await rename(temporary, target);
    } finally {
      await rm(temporary, { force: true });
    }
  }
  throw new OciError("UNAVAILABLE", `${target} is changed by other programs all the time`);
}

/** A new file with that content in the directory of `target`, so that renaming it is one step. */
async function writeBeside(target: string, content: Uint8Array): Promise<string> {
  const temporary = `${target}.${randomUUID()}.tmp`;
  const file = await open(temporary, "wx", 0o600);
  try {
    await keepOwner(file, target);
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return temporary;
}

/** Under sudo the file stays the user's, who could not read it otherwise. */
async function keepOwner(file: FileHandle, target: string): Promise<void> {
  const [own, found] = [await file.stat(), await stat(target).catch(() => undefined)];
  if (found === undefined || (own.uid === found.uid && own.gid === found.gid)) return;
  await file.chown(found.uid, found.gid).catch((error: unknown) => {
    if (!isSystemError(error, "EPERM")) throw error;
  });
}

/** What is at the end of symbolic links; the last one may lead to a file that is not there yet. */
async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!isSystemError(error, "ENOENT")) throw error;
  }
  const link = await readlink(path).catch(() => undefined);
  return link === undefined ? path : resolve(dirname(path), link);
}

function isEqual(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Buffer.compare(a, b) === 0;
}
