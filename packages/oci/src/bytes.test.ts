import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, closing, isVerified, observed, readAll, verified, type Bytes } from "./bytes.ts";
import { digestOf } from "./digest.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const [one, two, three] = [text("one"), text("two"), text("three")];
const digest = digestOf(text("onetwothree"));

/** What a reader gets until the end or the error, and that error's code. */
async function readUntilError(bytes: Bytes) {
  const seen: string[] = [];
  try {
    for await (const chunk of bytes) seen.push(new TextDecoder().decode(chunk));
    return { seen, code: undefined };
  } catch (error) {
    return { seen, code: error instanceof Error && "code" in error ? error.code : error };
  }
}

/** Chunks that tell whether they were closed. */
function closable(chunks: readonly Uint8Array[]) {
  const state = { closed: false, given: 0 };
  const bytes = (async function* () {
    try {
      for (const chunk of chunks) {
        state.given++;
        yield chunk;
      }
    } finally {
      state.closed = true;
    }
  })();
  return { bytes, state };
}

/** The chunks as they are, empty ones too, which {@link bytesOf} leaves out. */
async function* bytesIn(chunks: readonly Uint8Array[]) {
  yield* chunks;
}

describe("readAll", () => {
  it("gives all bytes in their order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array()), async (chunks) => {
        const whole = await readAll(bytesOf(...chunks), { limit: 10_000 });
        expect(Buffer.compare(whole, Buffer.concat(chunks))).toBe(0);
      }),
    );
  });

  it("takes exactly as many bytes as the limit, and throws LIMIT_EXCEEDED at one more", async () => {
    expect(await readAll(bytesOf(one, two), { limit: 6 })).toHaveLength(6);
    const more = readAll(bytesOf(one, two), { limit: 5 });
    await expect(more).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  it("stops reading as soon as there is too much, and closes the source", async () => {
    const { bytes, state } = closable([one, two, three]);
    await expect(readAll(bytes, { limit: 4 })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    expect(state).toEqual({ closed: true, given: 2 });
  });

  it("of one chunk is that chunk, and no copy of it", async () => {
    expect(await readAll(bytesOf(one), { limit: 3 })).toBe(one);
  });

  it("is the same when it is observed by nobody", async () => {
    expect(await readAll(observed(bytesOf(one), {}), { limit: 3 })).toBe(one);
  });

  it("of nothing is empty", async () => {
    expect(await readAll(bytesOf(), { limit: 0 })).toHaveLength(0);
  });
});

describe("verified", () => {
  it("gives what hashes to the digest, unchanged", async () => {
    const found = await readUntilError(verified(bytesOf(one, two, three), { digest, size: 11 }));
    expect(found).toEqual({ seen: ["one", "two", "three"], code: undefined });
  });

  it("checks sha512 digests as well", async () => {
    const sha512 = digestOf(one, "sha512");
    expect((await readUntilError(verified(bytesOf(one), { digest: sha512 }))).code).toBeUndefined();
    expect((await readUntilError(verified(bytesOf(two), { digest: sha512 }))).code).toBe("DIGEST_MISMATCH");
  });

  it("withholds the last chunk of what does not hash to the digest (GHSA-qv35-3gw6-8q4j)", async () => {
    const found = await readUntilError(verified(bytesOf(one, two, text("THREE")), { digest }));
    expect(found).toEqual({ seen: ["one", "two"], code: "DIGEST_MISMATCH" });
  });

  it("withholds the last bytes, whatever empty chunks follow them", async () => {
    const chunks = [one, two, text("THREE"), new Uint8Array(), new Uint8Array()];
    const read = await readUntilError(verified(bytesIn(chunks), { digest }));
    expect(read).toEqual({ seen: ["one", "two"], code: "DIGEST_MISMATCH" });
  });

  it("withholds the only chunk of what does not hash to the digest", async () => {
    const found = await readUntilError(verified(bytesOf(one), { digest }));
    expect(found).toEqual({ seen: [], code: "DIGEST_MISMATCH" });
  });

  it("withholds the last chunk of what ends too early", async () => {
    const found = await readUntilError(verified(bytesOf(one, two), { digest, size: 11 }));
    expect(found).toEqual({ seen: ["one"], code: "SIZE_MISMATCH" });
  });

  it("throws on the first byte too many, without reading on", async () => {
    const { bytes, state } = closable([one, two, three, one, one]);
    const found = await readUntilError(verified(bytes, { digest, size: 11 }));
    expect(found).toEqual({ seen: ["one", "two"], code: "SIZE_MISMATCH" });
    expect(state).toEqual({ closed: true, given: 4 });
  });

  it("knows the digest of nothing", async () => {
    const empty = digestOf(new Uint8Array());
    expect(await readUntilError(verified(bytesOf(), { digest: empty, size: 0 }))).toEqual({
      seen: [],
      code: undefined,
    });
    expect((await readUntilError(verified(bytesOf(), { digest }))).code).toBe("DIGEST_MISMATCH");
  });

  it("closes the source when its reader stops early", async () => {
    const { bytes, state } = closable([one, two, three]);
    for await (const chunk of verified(bytes, { digest })) {
      expect(chunk).toEqual(one);
      break;
    }
    expect(state.closed).toBe(true);
  });

  it("passes on what the source throws", async () => {
    const broken = new Error("broken");
    const bytes = (async function* () {
      yield one;
      throw broken;
    })();
    expect(await readUntilError(verified(bytes, { digest }))).toEqual({ seen: [], code: broken });
  });

  it("accepts exactly the content of its digest, however it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 9 })), fc.boolean(), async (chunks, isChanged) => {
        const whole = Buffer.concat(chunks);
        const expected = { digest: digestOf(whole), size: whole.byteLength };
        const sent = isChanged ? [...chunks, Uint8Array.of(0)] : chunks;
        const { code } = await readUntilError(verified(bytesOf(...sent), expected));
        expect(code).toBe(isChanged ? "SIZE_MISMATCH" : undefined);
      }),
    );
  });
});

describe("isVerified", () => {
  it("holds for verified bytes and the digest they are held against, and for nothing else", () => {
    const checked = verified(bytesOf(one), { digest });
    expect(isVerified(checked, digest)).toBe(true);
    expect(isVerified(checked, digestOf(one))).toBe(false);
    expect(isVerified(bytesOf(one), digest)).toBe(false);
  });
});

describe("bytesOf", () => {
  it("leaves out chunks without bytes", async () => {
    const found = await readUntilError(bytesOf(one, new Uint8Array(), two));
    expect(found.seen).toEqual(["one", "two"]);
  });
});

describe("a reader that leaves", () => {
  it("before the first chunk closes the source of verified bytes too", async () => {
    let closed = 0;
    const source = closing(bytesOf(one), () => closed++);
    await verified(source, { digest })[Symbol.asyncIterator]().return?.();
    expect(closed).toBe(1);
  });

  it("while a chunk is awaited does not wait for it", async () => {
    const { promise, reject } = Promise.withResolvers<never>();
    const stalled = (async function* () {
      yield await promise;
    })();
    const reader = closing(stalled, () => reject(new Error("closed")))[Symbol.asyncIterator]();
    const pending = reader.next().catch(String);
    await reader.return?.();
    expect(await pending).toBe("Error: closed");
  });

  it("is told that there is no more", async () => {
    const reader = closing(bytesOf(one), () => undefined)[Symbol.asyncIterator]();
    expect(await reader.return?.()).toEqual({ done: true, value: undefined });
    const watcher = observed(bytesOf(one), {})[Symbol.asyncIterator]();
    expect(await watcher.return?.()).toEqual({ done: true, value: undefined });
  });

  it("can leave a source that need not be told", async () => {
    const source: Bytes = {
      [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: one }) }),
    };
    for (const bytes of [
      closing(source, () => undefined),
      observed(source, {}),
      verified(source, { digest }),
    ]) {
      await bytes[Symbol.asyncIterator]().return?.();
    }
    const failing: Bytes = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("broken")) }),
    };
    await expect(readAll(observed(failing, {}), { limit: 1 })).rejects.toThrow("broken");
  });
});
