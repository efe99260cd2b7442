import { describe, expect, it } from "vitest";
import { readAll } from "./bytes.ts";
import { answerWith, headerOf } from "./http.ts";

describe("headerOf", () => {
  it.each([
    [{ a: "1" }, "a", "1"],
    [{ a: ["1", "2"] }, "a", "1"],
    [{ a: [] }, "a", undefined],
    [{}, "a", undefined],
  ])("of %j is the first line", (headers, name, expected) => {
    expect(headerOf(headers, name)).toBe(expected);
  });
});

describe("answerWith", () => {
  const get = { method: "GET", url: "https://api.example.com/x" } as const;
  const textOf = async (body: AsyncIterable<Uint8Array>) =>
    new TextDecoder().decode(await readAll(body, { limit: 100 }));

  it("answers what its handler says, with status 200 unless told otherwise", async () => {
    const send = answerWith(({ url, method }) => ({ body: `${method} ${url}`, headers: { a: "b" } }));
    const { status, headers, body } = await send(get);
    expect([status, headers, await textOf(body)]).toEqual([200, { a: "b" }, "GET https://api.example.com/x"]);
  });

  it("gives bytes as they are, and nothing where there is no body", async () => {
    const bytes = answerWith(() => ({ status: 201, body: Uint8Array.of(104, 105) }));
    expect(await textOf((await bytes(get)).body)).toBe("hi");
    const empty = await answerWith(() => ({ status: 404 }))(get);
    expect([empty.status, await textOf(empty.body)]).toEqual([404, ""]);
  });

  it("rejects with the reason of a signal before it asks anybody", async () => {
    let calls = 0;
    const send = answerWith(() => ({ status: 200 + calls++ }));
    const reason = new Error("stop");
    await expect(send(get, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(calls).toBe(0);
  });
});
