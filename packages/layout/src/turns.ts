/** Runs work one after the other, in the order of the calls, whatever becomes of each. */
export type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>;

export function createTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => undefined); // whoever waits for it hears of it
    return turn;
  };
}
