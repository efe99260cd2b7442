import type { Caller } from "./guard.ts";

/** How many names are looked at together. */
const batchSize = 100;

/** Those of `names` that the caller may know of, in their order. */
export async function* visibleOf(
  names: AsyncIterable<string>,
  caller: Pick<Caller, "visible">,
): AsyncGenerator<string, void, undefined> {
  let batch: string[] = [];
  for await (const name of names) {
    batch.push(name);
    if (batch.length < batchSize) continue;
    yield* await caller.visible(batch);
    batch = [];
  }
  yield* await caller.visible(batch);
}
