import { lstat, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { OciError } from "@drayage/oci";
import { ifPresent, isDirectory, isSystemError, onDisk, openFile, readPart, withFile } from "../disk.ts";
import { sumOf } from "../hashed.ts";

/**
 * What `fill` results in, once what it has put into a directory of its own is in `directory`: all of it or, if `fill`
 * fails or something else is in its place, nothing.
 *
 * What is there already and the same is left as it is.
 *
 * @throws OciError OPTION_INVALID for another file in the place of one, unless `overwrite`; STORAGE_INVALID for a link
 */
export async function throughStage<Result>(
  directory: string,
  fill: (stage: string) => Promise<Result>,
  { overwrite = false }: { readonly overwrite?: boolean | undefined } = {},
): Promise<Result> {
  await onDisk(mkdir(directory, { recursive: true }));
  // On the same file system, so that everything is moved in one step each.
  const stage = await onDisk(mkdtemp(join(directory, ".drayage-")));
  try {
    const result = await fill(stage);
    await settle(stage, directory, { overwrite });
    return result;
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** Makes the directory `path` below `root`, and those above it. @throws OciError STORAGE_INVALID if one is a file */
export async function makeDirectory(root: string, path: string): Promise<void> {
  try {
    await mkdir(join(root, path), { recursive: true });
  } catch (error) {
    if (isSystemError(error, "EEXIST", "ENOTDIR")) {
      throw new OciError("STORAGE_INVALID", `"${path}" is both a file and a directory`);
    }
    await onDisk(Promise.reject(error));
  }
}

async function settle(
  stage: string,
  directory: string,
  { overwrite }: { readonly overwrite: boolean },
): Promise<void> {
  const { directories, files } = await contentOf(stage);
  for (const path of directories) await isDirectory(join(directory, path));
  const moved: string[] = [];
  for (const path of files) {
    if (await isWanted(join(stage, path), join(directory, path), { overwrite })) moved.push(path);
  }
  for (const path of directories) await makeDirectory(directory, path);
  for (const path of moved) await onDisk(rename(join(stage, path), join(directory, path)));
}

/** All that is in the directory, parents before their children. */
async function contentOf(
  root: string,
): Promise<{ readonly directories: readonly string[]; readonly files: readonly string[] }> {
  const directories = [""];
  const files: string[] = [];
  for (const directory of directories) {
    for (const entry of await onDisk(readdir(join(root, directory), { withFileTypes: true }))) {
      (entry.isDirectory() ? directories : files).push(join(directory, entry.name));
    }
  }
  return { directories: directories.slice(1), files };
}

/** Whether a file has to be moved to its place, because nothing or something else is there. */
async function isWanted(
  file: string,
  place: string,
  { overwrite }: { readonly overwrite: boolean },
): Promise<boolean> {
  const found = await ifPresent(lstat(place));
  if (found === undefined) return true;
  if (!found.isFile()) throw new OciError("STORAGE_INVALID", `${place} is not a file`);
  if (await isSame(file, place)) return false;
  if (overwrite) return true;
  throw new OciError("OPTION_INVALID", `${place} is there already, and is another file`);
}

async function isSame(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([sumOfFile(one), sumOfFile(other)]);
  return a === b;
}

async function sumOfFile(path: string): Promise<string | undefined> {
  const file = await openFile(path);
  if (file === undefined) return undefined;
  return withFile(file, async (opened) => {
    const { size, mode } = await opened.stat();
    const { digest } = await sumOf(readPart(opened, { start: 0, length: size }));
    return `${digest} ${mode & 0o100}`;
  });
}
