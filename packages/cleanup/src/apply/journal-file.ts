import { open, readFile, type FileHandle } from "node:fs/promises";
import { isOciError, OciError, parseJson, type Journal } from "@drayage/oci";
import { parseEntry, type CleanupEntry } from "./entry.ts";

/** A journal in a file, to be closed when nothing more is to be written. */
export interface JournalFile extends Journal<CleanupEntry>, AsyncDisposable {
  close(): Promise<void>;
}

/**
 * A journal of JSON lines in a file; made if it is not there. What was appended outlives a loss of power.
 *
 * @throws OciError STORAGE_INVALID if the file cannot be opened
 * @example await using journal = await openJournalFile("plan.journal.jsonl");
 */
export async function openJournalFile(file: string): Promise<JournalFile> {
  const handle = await storing(file, () => open(file, "a+"));
  const append = createAppender(handle);
  const close = (): Promise<void> => handle.close();
  return {
    append: (entry) => storing(file, () => append(JSON.stringify(entry))),
    async *read({ signal } = {}) {
      const text = await storing(file, () => readFile(file, "utf8"));
      for (const line of text.split("\n")) {
        signal?.throwIfAborted();
        const entry = parseEntry(parseLine(line));
        if (entry !== undefined) yield entry;
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Writes lines in the order of the calls; those that come while the disk is busy share the next write. */
function createAppender(handle: FileHandle): (line: string) => Promise<void> {
  let waiting: string[] = [];
  let writing: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    await writing?.catch(() => undefined); // told to whoever waits for it
    const lines = waiting;
    waiting = [];
    writing = next;
    next = undefined;
    // A line that was cut off by a kill ends here at the latest.
    await handle.appendFile(`\n${lines.join("\n")}\n`);
    await handle.datasync();
  };
  return (line) => {
    waiting.push(line);
    next ??= write();
    return next;
  };
}

function parseLine(line: string): unknown {
  if (line === "") return undefined;
  try {
    return parseJson(new TextEncoder().encode(line), "STORAGE_INVALID");
  } catch (error) {
    // The last line of a process that was killed.
    if (isOciError(error, "STORAGE_INVALID")) return undefined;
    throw error;
  }
}

async function storing<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw new OciError("STORAGE_INVALID", `the journal ${file} cannot be read or written`, { cause });
  }
}
