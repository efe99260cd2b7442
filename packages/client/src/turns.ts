/** Runs `change` when every earlier one of the same key has ended. */
export type InTurn = <Result>(key: string, change: () => Promise<Result>) => Promise<Result>;

export function createTurns(): InTurn {
  const last = new Map<string, Promise<unknown>>();
  return async (key, change) => {
    const before = last.get(key) ?? Promise.resolve();
    const turn = before.then(change);
    const ended = turn.catch(() => undefined);
    last.set(key, ended);
    try {
      return await turn;
    } finally {
      if (last.get(key) === ended) last.delete(key);
    }
  };
}
