import { randomUUID } from "node:crypto";
import { appendFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { OciError, type Digest } from "@drayage/oci";
import type { ManifestCache } from "./cache.ts";
import { formatFacts, parseFacts, type ManifestFacts } from "./facts.ts";

/** How many facts are written at once while a run goes on. */
const batch = 256;

/**
 * A cache in a file, one line for each manifest; made if it is not there.
 *
 * Lines are only ever added, and a shorter file takes the place of the old one as a whole: whoever is killed leaves
 * all lines but the last one behind, and several processes may use the file at once.
 *
 * @throws OciError STORAGE_INVALID if the file cannot be read or written
 * @example const state = await inventory(repository, { cache: await openManifestCache(".cache/team-app.jsonl") })
 */
export async function openManifestCache(file: string): Promise<ManifestCache> {
  const text = await storing(file, () => readOrNothing(file));
  const known = parseCache(text);
  const lines = createLines(file, text);
  let unsaved: ManifestFacts[] = [];
  const flush = (): void => {
    if (unsaved.length === 0) return;
    lines.append(unsaved.map(formatFacts));
    unsaved = [];
  };
  return {
    get: (digest) => known.get(digest),
    set(facts) {
      known.set(facts.digest, facts);
      if (unsaved.push(facts) >= batch) flush();
    },
    async save({ keep, signal } = {}) {
      flush();
      await storing(file, () => lines.written());
      signal?.throwIfAborted();
      const kept = [...known.values()].filter(({ digest }) => keep?.has(digest) !== false);
      if (keep !== undefined && 2 * kept.length < lines.count()) {
        await storing(file, () => replaceFile(file, kept.map(formatFacts)));
      }
    },
  };
}

function parseCache(text: string): Map<Digest, ManifestFacts> {
  const known = new Map<Digest, ManifestFacts>();
  for (const line of text.split("\n")) {
    const facts = parseFacts(line);
    if (facts !== undefined) known.set(facts.digest, facts);
  }
  return known;
}

interface Lines {
  append(lines: readonly string[]): void;
  /** Resolves when all have been written. */
  written(): Promise<void>;
  count(): number;
}

/** The lines of a file that has `text` in it now; they are written one batch after the other. */
function createLines(file: string, text: string): Lines {
  let count = text.split("\n").length - 1;
  // The end of what a killed process has written must not spoil our first line.
  let start = text === "" || text.endsWith("\n") ? "" : "\n";
  let writing: Promise<void> = Promise.resolve();
  return {
    append(lines) {
      const content = `${start}${lines.join("\n")}\n`;
      start = "";
      count += lines.length;
      writing = writing.then(() => appendFile(file, content));
      writing.catch(() => undefined); // told by `written`
    },
    written: () => writing,
    count: () => count,
  };
}

async function replaceFile(file: string, lines: readonly string[]): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeFile(draft, `${lines.join("\n")}\n`);
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

async function readOrNothing(file: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}

async function storing<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw new OciError("STORAGE_INVALID", `the cache ${file} cannot be read or written`, { cause });
  }
}
