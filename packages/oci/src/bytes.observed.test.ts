import { describe, expect, it } from "vitest";
import { bytesOf, digestOf, isVerified, observed, readAll, verified, type Bytes } from "./index.ts";

const bytes = new TextEncoder().encode("content");
const digest = digestOf(bytes);

describe("observed bytes", () => {
  it("are the same bytes, with the length of each chunk told before it is passed on", async () => {
    const lengths: number[] = [];
    const body = observed(bytesOf(bytes.subarray(0, 3), bytes.subarray(3)), {
      onChunk: (length) => lengths.push(length),
    });
    expect(await readAll(body, { limit: 7 })).toEqual(bytes);
    expect(lengths).toEqual([3, 4]);
  });

  it("are as verified as they were, so that nobody hashes them twice", () => {
    expect(isVerified(observed(verified(bytesOf(bytes), { digest }), {}), digest)).toBe(true);
    expect(isVerified(observed(bytesOf(bytes), {}), digest)).toBe(false);
  });

  it("fail with the error that the observer makes of theirs", async () => {
    const wrong = verified(bytesOf(bytes.subarray(1)), { digest });
    const seen = new Error("seen");
    await expect(readAll(observed(wrong, { onError: () => seen }), { limit: 7 })).rejects.toBe(seen);
    const untouched = observed(verified(bytesOf(bytes.subarray(1)), { digest }), {});
    await expect(readAll(untouched, { limit: 7 })).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  });

  it.each(["before the first chunk", "behind the first chunk", "because the observer throws"])(
    "close what they come from when the reader leaves %s",
    async (when) => {
      let isClosed = false;
      const source: Bytes = {
        [Symbol.asyncIterator]: () => ({
          next: async () => ({ done: false, value: bytes }),
          async return() {
            isClosed = true;
            return { done: true, value: undefined };
          },
        }),
      };
      const onChunk = () => {
        if (when === "because the observer throws") throw new Error("seen enough");
      };
      const reader = observed(source, { onChunk })[Symbol.asyncIterator]();
      if (when !== "before the first chunk") await reader.next().catch(() => undefined);
      if (when !== "because the observer throws") await reader.return?.();
      expect(isClosed).toBe(true);
    },
  );
});
