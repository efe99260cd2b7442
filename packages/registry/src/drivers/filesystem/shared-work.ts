/** Runs work for a key so that it begins after the call, once for all who call until it does. */
export type SharedWork = (key: string) => Promise<void>;

interface Runs {
  readonly running: Promise<void>;
  next?: Promise<void> | undefined;
}

/**
 * What one run does serves everybody who asked before it began, such as putting a directory on the disk: with many
 * writers most of them share one wait.
 */
export function createSharedWork(work: (key: string) => Promise<void>): SharedWork {
  const runs = new Map<string, Runs>();
  const start = (key: string): Promise<void> => {
    const running = work(key);
    const mine: Runs = { running };
    runs.set(key, mine);
    const leave = (): void => {
      if (runs.get(key) === mine && mine.next === undefined) runs.delete(key);
    };
    running.then(leave, leave);
    return running;
  };
  return (key) => {
    const current = runs.get(key);
    if (current === undefined) return start(key);
    const begin = (): Promise<void> => start(key);
    current.next ??= current.running.then(begin, begin);
    return current.next;
  };
}
