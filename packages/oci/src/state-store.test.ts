import { describe, expect, it } from "vitest";
import { createMemoryStateStore } from "./state-store.ts";

describe("createMemoryStateStore", () => {
  it("has nothing until something is set", async () => {
    const store = createMemoryStateStore();
    expect(await store.get("a")).toBeUndefined();
    const version = await store.compareAndSet("a", "1", undefined);
    expect(await store.get("a")).toEqual({ value: "1", version });
    expect(await store.get("b")).toBeUndefined();
  });

  it("sets an absent key only for who believes it absent", async () => {
    const store = createMemoryStateStore();
    expect(await store.compareAndSet("a", "1", "7")).toBeUndefined();
    expect(await store.get("a")).toBeUndefined();
  });

  it("changes a key only for who has seen what is there", async () => {
    const store = createMemoryStateStore();
    const first = await store.compareAndSet("a", "1", undefined);
    expect(await store.compareAndSet("a", "2", undefined)).toBeUndefined();
    const second = await store.compareAndSet("a", "2", first);
    expect(await store.compareAndSet("a", "3", first)).toBeUndefined();
    expect(await store.get("a")).toEqual({ value: "2", version: second });
  });

  it("gives a value that comes back another version, so that nobody mistakes it for the old one", async () => {
    const store = createMemoryStateStore();
    const first = await store.compareAndSet("a", "1", undefined);
    const second = await store.compareAndSet("a", "2", first);
    const third = await store.compareAndSet("a", "1", second);
    expect(new Set([first, second, third]).size).toBe(3);
  });

  it("lets one of many win", async () => {
    const store = createMemoryStateStore();
    const all = await Promise.all(["1", "2", "3"].map((value) => store.compareAndSet("a", value, undefined)));
    expect(all.filter((version) => version !== undefined)).toHaveLength(1);
  });
});
