import { expect, test } from "vitest";
import { createSharedWork } from "./shared-work.ts";

/** Work that ends when it is told to. */
function open() {
  const started: { readonly key: string; readonly end: PromiseWithResolvers<void> }[] = [];
  const share = createSharedWork((key) => {
    const end = Promise.withResolvers<void>();
    started.push({ key, end });
    return end.promise;
  });
  const settled = async () => {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  };
  return { share, started, settled };
}

test("a run that has begun serves nobody who comes later, and the next one serves all of them", async () => {
  const { share, started, settled } = open();
  const done: string[] = [];
  const wait = (name: string) => share("a").then(() => done.push(name));
  void wait("first");
  void wait("second");
  void wait("third");
  expect(started).toHaveLength(1);
  started[0]?.end.resolve();
  await settled();
  expect(done).toEqual(["first"]);
  expect(started).toHaveLength(2);
  started[1]?.end.resolve();
  await settled();
  expect(done).toEqual(["first", "second", "third"]);
  void wait("fourth");
  expect(started).toHaveLength(3);
});

test("a run that failed fails for those it served, and the next one begins all the same", async () => {
  const { share, started, settled } = open();
  const first = share("a");
  const second = share("a");
  started[0]?.end.reject(new Error("no"));
  await expect(first).rejects.toThrow("no");
  await settled();
  started[1]?.end.resolve();
  await expect(second).resolves.toBeUndefined();
});

test("keys do not wait for each other", () => {
  const { share, started } = open();
  void share("a");
  void share("b");
  expect(started.map(({ key }) => key)).toEqual(["a", "b"]);
});
