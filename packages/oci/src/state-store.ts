import type { CallOptions } from "./repository.ts";

/** A value and the version that a change must name. */
export interface StateEntry {
  readonly value: string;
  readonly version: string;
}

/** Small values by key, changed only by who has seen what is there. */
export interface StateStore {
  get(key: string, options?: CallOptions): Promise<StateEntry | undefined>;
  /**
   * Sets `key` if it is at `version`, or is absent where `version` is `undefined`.
   * Resolves to the new version, or `undefined` if somebody else was first.
   */
  compareAndSet(
    key: string,
    value: string,
    version: string | undefined,
    options?: CallOptions,
  ): Promise<string | undefined>;
}

/** A state store for one process. */
export function createMemoryStateStore(): StateStore {
  const entries = new Map<string, StateEntry>();
  let changes = 0;
  return {
    get: (key) => Promise.resolve(entries.get(key)),
    compareAndSet(key, value, version) {
      if (entries.get(key)?.version !== version) return Promise.resolve(undefined);
      const next = String(++changes);
      entries.set(key, { value, version: next });
      return Promise.resolve(next);
    },
  };
}
