import { answerWith, bytesOf, OciError, type Answer, type HttpRequest } from "@drayage/oci";
import { describe, expect, test } from "vitest";
import { createApi, jsonOf, type ApiOptions } from "./api.ts";

const base = "https://api.example.com";
const get = { method: "GET", path: "/things?page=1&secret=canary", expect: [200] } as const;

/** An API that answers one after the other, and what was asked and waited. */
function open(answers: readonly Answer[], options: Partial<ApiOptions> = {}) {
  const requests: HttpRequest[] = [];
  const pauses: number[] = [];
  const send = answerWith((request) => answers[requests.push(request) - 1] ?? { status: 404 });
  const sleep = async (milliseconds: number) => void pauses.push(milliseconds);
  return { ask: createApi({ base, send, sleep, ...options }), requests, pauses };
}

describe("a request", () => {
  test("carries the proof and the headers of the API", async () => {
    const { ask, requests } = open([{ body: `{"a":1}` }], {
      authorize: async () => ({ authorization: "Bearer x" }),
      headers: { accept: "application/vnd.example+json" },
    });
    expect(jsonOf(await ask(get))).toEqual({ a: 1 });
    expect(requests).toEqual([
      {
        method: "GET",
        url: `${base}${get.path}`,
        headers: { accept: "application/vnd.example+json", authorization: "Bearer x" },
      },
    ]);
  });

  test.each([
    [401, "UNAUTHORIZED"],
    [403, "DENIED"],
    [404, "NAME_UNKNOWN"],
    [405, "UNSUPPORTED"],
    [418, "UNKNOWN"],
    [302, "RESPONSE_INVALID"],
  ])("%i is %s, at once, and without its query", async (status, code) => {
    const { ask, pauses } = open([{ status, body: `{"message":"because"}` }], { hint: "do this" });
    const message = `GET ${base}/things answered ${status}: because`;
    await expect(ask(get)).rejects.toMatchObject({ code, status, message, url: `${base}/things` });
    expect(pauses).toEqual([]);
  });

  test("with an answer that is no JSON is RESPONSE_INVALID where it is read", async () => {
    const { ask } = open([{ body: "<html>" }]);
    const answer = await ask(get);
    expect(() => jsonOf(answer)).toThrow(expect.objectContaining({ code: "RESPONSE_INVALID" }));
  });

  test("with an answer without end is LIMIT_EXCEEDED", async () => {
    const endless = bytesOf(new Uint8Array(33 * 1024 * 1024));
    const send = async () => ({ status: 200, headers: {}, body: endless });
    await expect(createApi({ base, send })(get)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  });
});

describe("what may succeed later is sent again", () => {
  test("after what the API asks for, else later each time", async () => {
    const answers = [{ status: 503 }, { status: 429, headers: { "retry-after": "3" } }, { status: 502 }, {}];
    const { ask, pauses } = open(answers);
    expect((await ask(get)).status).toBe(200);
    expect(pauses).toEqual([500, 3000, 2000]);
  });

  test("four times in all", async () => {
    const { ask, requests } = open(Array.from({ length: 9 }, () => ({ status: 503 })));
    await expect(ask(get)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(requests).toHaveLength(4);
  });

  test("but not if that is longer than a minute away", async () => {
    const headers = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000" };
    const { ask, requests } = open([{ status: 403, headers }], { now: () => 900_000 });
    await expect(ask(get)).rejects.toMatchObject({ code: "TOOMANYREQUESTS", retryAfter: 100_000 });
    expect(requests).toHaveLength(1);
  });

  test("also where nothing answers", async () => {
    let attempts = 0;
    const send = async () => {
      attempts++;
      throw new OciError("CONNECTION_FAILED", "nobody there");
    };
    const ask = createApi({ base, send, sleep: async () => undefined });
    await expect(ask(get)).rejects.toMatchObject({ code: "CONNECTION_FAILED" });
    expect(attempts).toBe(4);
  });

  test("unless the caller leaves", async () => {
    const controller = new AbortController();
    const reason = new Error("left");
    const { ask, requests } = open([{ status: 503 }, {}], {
      sleep: async (_milliseconds, { signal }) => {
        controller.abort(reason);
        signal?.throwIfAborted();
      },
    });
    await expect(ask(get, { signal: controller.signal })).rejects.toBe(reason);
    expect(requests).toHaveLength(1);
  });
});
