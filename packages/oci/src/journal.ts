import type { CallOptions } from "./repository.ts";

/** A record of what was done, in order, that outlives the process; an entry is durable once `append` resolves. */
export interface Journal<Entry> {
  append(entry: Entry, options?: CallOptions): Promise<void>;
  read(options?: CallOptions): AsyncIterable<Entry>;
}

/** A journal for one process. */
export function createMemoryJournal<Entry>(): Journal<Entry> {
  const entries: Entry[] = [];
  return {
    append(entry) {
      entries.push(structuredClone(entry));
      return Promise.resolve();
    },
    async *read({ signal } = {}) {
      for (const entry of entries.slice()) {
        signal?.throwIfAborted();
        yield entry;
      }
    },
  };
}
