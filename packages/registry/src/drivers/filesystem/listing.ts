import { placeOf } from "../sorted.ts";
import type { Directories, Entry } from "./directories.ts";

interface Level {
  readonly prefix: string;
  readonly entries: readonly Entry[];
  next: number;
}

/** The keys of all documents below a directory that come behind `after`, in byte order. */
export async function* listDocuments(
  directories: Directories,
  directory: string,
  { prefix, after }: { readonly prefix: string; readonly after: string },
): AsyncGenerator<string, void, undefined> {
  const enter = async (path: string, text: string): Promise<Level> => {
    const entries = await directories.read(path);
    return { prefix: text, entries, next: firstBehind(entries, text, after) };
  };
  const open = [await enter(directory, prefix)];
  for (let level = open.at(-1); level !== undefined; level = open.at(-1)) {
    const entry = level.entries[level.next++];
    if (entry === undefined) {
      open.pop();
      continue;
    }
    const key = level.prefix + entry.text;
    if (entry.directory === undefined) {
      if (key > after) yield key;
    } else if (key > after || after.startsWith(key)) {
      open.push(await enter(entry.directory, key));
    }
  }
}

/** The first entry that may be behind `after`, or have in it what is. */
function firstBehind(entries: readonly Entry[], prefix: string, after: string): number {
  if (!after.startsWith(prefix)) return 0;
  const rest = after.slice(prefix.length);
  const end = rest.indexOf("/");
  const wanted = end < 0 ? rest : rest.slice(0, end + 1);
  return placeOf(entries, wanted, ({ text }) => text);
}
