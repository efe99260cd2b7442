import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir, hostname } from "node:os";
import { isAbsolute, join } from "node:path";
import {
  digestOf,
  hexOf,
  isOciError,
  ownValue,
  parseJson,
  parseObject,
  type Digest,
  type UploadMemory,
} from "@drayage/oci";

export interface UploadMemoryOptions {
  /** The folder that it is kept in; others of its kind may be there as well. */
  readonly directory: string;
  /** The repository that is uploaded to, with its registry. */
  readonly repository: string;
  /** Who uploads; this process by default. */
  readonly owner?: UploadOwner | undefined;
}

/** A process, so that nobody takes an upload from one that is still at it. */
export interface UploadOwner {
  readonly host: string;
  readonly pid: number;
}

/** After that no registry goes on with an upload, in milliseconds. */
const longest = 7 * 24 * 60 * 60 * 1000;

/**
 * Keeps uploads in files, one each, that nobody but their owner may read: the address of an upload may be all that it
 * takes to write to it. Where no file can be written nothing is remembered.
 */
export function createUploadMemory({
  directory,
  repository,
  owner = self(),
}: UploadMemoryOptions): UploadMemory {
  const fileOf = (digest: Digest): string => {
    const name = hexOf(digestOf(new TextEncoder().encode(`${repository}@${digest}`)));
    return join(directory, `${name}.json`);
  };
  let opening: Promise<void> | undefined;
  return {
    async get(digest) {
      const record = parseRecord(await readFile(fileOf(digest)).catch(() => undefined));
      if (record === undefined || record.repository !== repository || record.digest !== digest)
        return undefined;
      return isAtWork(record, owner) ? undefined : record.id;
    },
    async set(digest, id) {
      const record: UploadRecord = { repository, digest, id, ...owner };
      try {
        await (opening ??= open(directory));
        await replaceFile(fileOf(digest), JSON.stringify(record));
      } catch {
        // The upload is worth more than the memory of it.
      }
    },
    async delete(digest) {
      await rm(fileOf(digest), { force: true }).catch(() => undefined);
    },
  };
}

/**
 * Where uploads are remembered unless the user says otherwise, if there is such a place.
 *
 * @see https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function defaultUploadDirectory(
  env: Readonly<Record<string, string | undefined>>,
  home: () => string = homedir,
): string | undefined {
  const { XDG_STATE_HOME: state = "", LOCALAPPDATA: local = "" } = env;
  try {
    const base = [state, local].find((path) => isAbsolute(path)) ?? join(home(), ".local", "state");
    return isAbsolute(base) ? join(base, "drayage", "uploads") : undefined;
  } catch {
    return undefined; // of a user whom the system does not know
  }
}

interface UploadRecord extends UploadOwner {
  readonly repository: string;
  readonly digest: string;
  readonly id: string;
}

function parseRecord(bytes: Uint8Array | undefined): UploadRecord | undefined {
  if (bytes === undefined) return undefined;
  try {
    const object = parseObject(parseJson(bytes, "UNKNOWN")) ?? {};
    const [repository, digest, id, host, pid] = ["repository", "digest", "id", "host", "pid"].map((name) =>
      ownValue(object, name),
    );
    const isText = (value: unknown): value is string => typeof value === "string";
    const isRecord = isText(repository) && isText(digest) && isText(id) && isText(host);
    return isRecord && typeof pid === "number" ? { repository, digest, id, host, pid } : undefined;
  } catch (error) {
    if (isOciError(error)) return undefined;
    throw error;
  }
}

/** Whether another process may still be sending; of a process on another machine nothing is known. */
function isAtWork({ host, pid }: UploadOwner, owner: UploadOwner): boolean {
  if (host !== owner.host) return true;
  if (pid === owner.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code !== "ESRCH";
  }
}

function self(): UploadOwner {
  return { host: hostname(), pid: process.pid };
}

/** Makes the folder, and removes what has been there for too long. */
async function open(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const oldest = Date.now() - longest;
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && found.mtimeMs < oldest) await rm(path, { force: true });
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const part = `${path}.${randomUUID()}`;
  try {
    await writeFile(part, text, { mode: 0o600, flag: "wx" });
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
}
