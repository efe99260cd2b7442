import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { ifPresent } from "./disk.ts";
import { parseFileName } from "./key-path.ts";

interface Entry {
  /** The rest of its key; a directory's ends in `/`, which sorts it where what is in it belongs. */
  readonly text: string;
  readonly directory?: string | undefined;
}

/** The keys of all documents below a directory that come behind `after`, in byte order. */
export async function* listDocuments(
  directory: string,
  prefix: string,
  after: string,
): AsyncGenerator<string, void, undefined> {
  const open = [{ prefix, entries: await readEntries(directory) }];
  for (let level = open.at(-1); level !== undefined; level = open.at(-1)) {
    const entry = level.entries.pop();
    if (entry === undefined) {
      open.pop();
      continue;
    }
    const key = level.prefix + entry.text;
    if (entry.directory === undefined) {
      if (key > after) yield key;
    } else if (key > after || after.startsWith(key)) {
      open.push({ prefix: key, entries: await readEntries(entry.directory) });
    }
  }
}

/** What is in a directory, last first. */
async function readEntries(directory: string): Promise<Entry[]> {
  const found = (await ifPresent(readdir(directory, { withFileTypes: true }))) ?? [];
  const entries = found.flatMap((entry): Entry[] => {
    if (entry.isDirectory()) return [{ text: `${entry.name}/`, directory: join(directory, entry.name) }];
    const text = parseFileName(entry.name);
    return text === undefined ? [] : [{ text }];
  });
  return entries.sort((a, b) => (a.text < b.text ? 1 : -1));
}
