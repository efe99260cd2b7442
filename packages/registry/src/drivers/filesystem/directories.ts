import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { placeOf } from "../sorted.ts";
import { ifPresent } from "./disk.ts";
import { parseFileName } from "./key-path.ts";

/** Something in a directory of documents. */
export interface Entry {
  /** The rest of its key; a directory's ends in `/`, which sorts it where what is in it belongs. */
  readonly text: string;
  readonly directory?: string | undefined;
}

/** What is in directories, in byte order. */
export interface Directories {
  read(directory: string): Promise<readonly Entry[]>;
  /** Is told of every document that is stored, once it is. */
  added(path: string): void;
  /** Is told of every document that is removed, once it is. */
  removed(path: string): void;
  /** Is told of every document of which nobody knows whether it has been stored or removed. */
  failed(path: string): void;
}

/** How many entries are remembered, of all directories together. */
const remembered = 500_000;

/**
 * Directories below `root`, which nobody else changes.
 *
 * A large one is read and sorted once: to do so for each page of its list would cost more with every document.
 */
export function createDirectories(
  root: string,
  { limit = remembered }: { readonly limit?: number | undefined } = {},
): Directories {
  const known = new KnownDirectories(limit);
  /** The readings that are under way, and whether what they read has changed since. */
  const readings = new Set<{ readonly directory: string; isStale: boolean }>();

  const change = (path: string, apply: (entries: readonly Entry[]) => readonly Entry[]): void => {
    const directory = dirname(path);
    for (const reading of readings) if (reading.directory === directory) reading.isStale = true;
    const entries = known.get(directory);
    if (entries !== undefined) known.set(directory, apply(entries));
  };
  const add = (path: string, entry: Entry | undefined): void => {
    if (entry !== undefined) change(path, (entries) => withEntry(entries, entry));
  };

  return {
    async read(directory) {
      const found = known.get(directory);
      if (found !== undefined) return found;
      const reading = { directory, isStale: false };
      readings.add(reading);
      try {
        const entries = await readEntries(directory);
        if (!reading.isStale) known.set(directory, entries);
        return entries;
      } finally {
        readings.delete(reading);
      }
    },
    added(path) {
      add(path, fileEntry(basename(path)));
      for (let above = dirname(path); above !== root; above = dirname(above)) {
        add(above, directoryEntry(above));
      }
    },
    removed(path) {
      const entry = fileEntry(basename(path));
      if (entry !== undefined) change(path, (entries) => withoutEntry(entries, entry));
    },
    failed(path) {
      for (let above = path; above !== root; above = dirname(above)) {
        change(above, (entries) => entries);
        known.forget(dirname(above));
      }
    },
  };
}

/** The directories that were read last, as far as there is room. */
class KnownDirectories {
  readonly #limit: number;
  readonly #entries = new Map<string, readonly Entry[]>();
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(directory: string): readonly Entry[] | undefined {
    const found = this.#entries.get(directory);
    if (found === undefined) return undefined;
    this.#entries.delete(directory);
    this.#entries.set(directory, found);
    return found;
  }

  set(directory: string, entries: readonly Entry[]): void {
    this.forget(directory);
    this.#entries.set(directory, entries);
    this.#size += entries.length + 1;
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.#limit) return;
      this.forget(oldest);
    }
  }

  forget(directory: string): void {
    const found = this.#entries.get(directory);
    if (found === undefined) return;
    this.#entries.delete(directory);
    this.#size -= found.length + 1;
  }
}

async function readEntries(directory: string): Promise<readonly Entry[]> {
  const found = (await ifPresent(readdir(directory, { withFileTypes: true }))) ?? [];
  const entries = found.flatMap((entry): Entry[] => {
    const made = entry.isDirectory() ? directoryEntry(join(directory, entry.name)) : fileEntry(entry.name);
    return made === undefined ? [] : [made];
  });
  return entries.sort((a, b) => (a.text < b.text ? -1 : 1));
}

/** The same entries with one more, if it is new. */
function withEntry(entries: readonly Entry[], entry: Entry): readonly Entry[] {
  const place = placeOf(entries, entry.text, ({ text }) => text);
  return entries[place]?.text === entry.text ? entries : entries.toSpliced(place, 0, entry);
}

function withoutEntry(entries: readonly Entry[], { text: wanted }: Entry): readonly Entry[] {
  const place = placeOf(entries, wanted, ({ text }) => text);
  return entries[place]?.text === wanted ? entries.toSpliced(place, 1) : entries;
}

function fileEntry(name: string): Entry | undefined {
  const text = parseFileName(name);
  return text === undefined ? undefined : { text };
}

function directoryEntry(directory: string): Entry {
  return { text: `${basename(directory)}/`, directory };
}
