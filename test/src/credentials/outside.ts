/** What the outside of a credential provider does at the moment, in the hands of a contract's world. */
export interface Outside {
  /** Counts a lookup and waits while the outside is stalled. */
  readonly enter: () => Promise<void>;
  readonly lookups: number;
  readonly isFailing: boolean;
  readonly fail: () => void;
  readonly stall: () => void;
  readonly restore: () => void;
}

/** An outside that works, until it is told otherwise. */
export function createOutside(): Outside {
  let [lookups, isFailing] = [0, false];
  let [stalled, resume] = [Promise.resolve(), (): void => undefined];
  return {
    enter: async () => {
      lookups++;
      await stalled;
    },
    get lookups() {
      return lookups;
    },
    get isFailing() {
      return isFailing;
    },
    fail: () => void (isFailing = true),
    stall: () => {
      stalled = new Promise((resolve) => (resume = resolve));
    },
    restore: () => {
      isFailing = false;
      resume();
    },
  };
}
