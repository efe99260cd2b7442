import { describe, expect, it } from "vitest";
import { createMemoryJournal } from "./journal.ts";

describe("createMemoryJournal", () => {
  it("gives every entry back in the order of appending, each time it is read", async () => {
    const journal = createMemoryJournal<number>();
    for (const entry of [1, 2, 3]) await journal.append(entry);
    expect(await listOf(journal.read())).toEqual([1, 2, 3]);
    expect(await listOf(journal.read())).toEqual([1, 2, 3]);
  });

  it("keeps what was appended, even if the entry changes later", async () => {
    const journal = createMemoryJournal<{ state: string }>();
    const entry = { state: "begun" };
    await journal.append(entry);
    entry.state = "done";
    expect(await listOf(journal.read())).toEqual([{ state: "begun" }]);
  });

  it("reads what was there when reading began", async () => {
    const journal = createMemoryJournal<number>();
    await journal.append(1);
    const seen: number[] = [];
    for await (const entry of journal.read()) {
      seen.push(entry);
      if (seen.length < 10) await journal.append(entry + 1);
    }
    expect(seen).toEqual([1]);
  });

  it("stops with the reason of a signal", async () => {
    const journal = createMemoryJournal<number>();
    await journal.append(1);
    const reason = new Error("stop");
    const reading = listOf(journal.read({ signal: AbortSignal.abort(reason) }));
    await expect(reading).rejects.toBe(reason);
  });
});

/** The entries of a list, in its order. */
async function listOf<Item>(list: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of list) items.push(item);
  return items;
}
