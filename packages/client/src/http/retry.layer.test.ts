import { bytesOf, OciError, type Bytes, type HttpHeaders } from "@drayage/oci";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { errorOf } from "../../fixture/scripted.ts";
import { hostOf } from "../host.ts";
import { settingsOf, type RetryOptions } from "../options.ts";
import type { RegistryRequest, Send } from "./message.ts";
import { retry, withRetries } from "./retry.ts";
import type { TraceEvent } from "./trace.ts";

/** What is answered to one attempt; from the registry itself, unless a redirect led away. */
interface Answer {
  readonly status: number;
  readonly headers?: HttpHeaders;
  readonly body?: Bytes;
  readonly isElsewhere?: boolean;
}

const home = new URL("https://registry.example/v2/app/blobs/x");
const elsewhere = new URL("https://storage.example/x?signature=old");

/** The layer over `answers`, the last of which is given for ever. */
function open(answers: readonly Answer[], options: RetryOptions = { minDelay: 1, maxDelay: 1 }) {
  const events: TraceEvent[] = [];
  const sent: (number | undefined)[] = [];
  const settings = settingsOf({ retry: options, trace: (event) => events.push(event) });
  const next: Send = async (request) => {
    const answer = answers[Math.min(sent.length, answers.length - 1)];
    if (answer === undefined) throw new Error("nothing to answer");
    sent.push(request.attempt);
    const { status, headers = {}, body = bytesOf(), isElsewhere } = answer;
    return { status, headers, body, url: isElsewhere === true ? elsewhere : request.url, request };
  };
  const send = (request: Partial<RegistryRequest> = {}) =>
    retry(settings)(next)({
      host: hostOf("registry.example", settings),
      method: "GET",
      url: home,
      lane: "api",
      subject: "blob",
      ...request,
    });
  return { send, sent, events };
}

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

describe("what is sent again", () => {
  it.each([408, 429, 503])(
    "any method after %i, for the registry says that it did nothing",
    async (status) => {
      for (const method of ["GET", "POST", "PATCH", "PUT"] as const) {
        const { send, sent } = open([{ status }, { status: 200 }]);
        expect((await send({ method, body: "x" })).status).toBe(200);
        expect(sent).toEqual([1, 2]);
      }
    },
  );

  it("no POST and no PATCH after an answer that says less", async () => {
    for (const method of ["POST", "PATCH"] as const) {
      const { send, sent } = open([{ status: 502 }, { status: 200 }]);
      expect(await errorOf(send({ method }))).toMatchObject({ status: 502 });
      expect(sent).toEqual([1]);
    }
  });

  it("what the caller says can be repeated, and nothing else", async () => {
    const repeatable = open([{ status: 502 }, { status: 200 }]);
    expect((await repeatable.send({ method: "POST", isRepeatable: true })).status).toBe(200);
    const once = open([{ status: 502 }, { status: 200 }]);
    expect(await errorOf(once.send({ method: "PUT", isRepeatable: false }))).toMatchObject({ status: 502 });
  });

  it("as often as the request itself says, where it does", async () => {
    const { send, sent } = open([{ status: 503 }]);
    expect(await errorOf(send({ attempts: 2 }))).toMatchObject({ attempt: 2 });
    expect(sent).toEqual([1, 2]);
  });

  it("nothing whose body is gone", async () => {
    const { send, sent } = open([{ status: 503 }, { status: 200 }]);
    const body = { bytes: bytesOf(text("x")), length: 1 };
    expect(await errorOf(send({ method: "PUT", body, isRepeatable: true }))).toMatchObject({ status: 503 });
    expect(sent).toEqual([1]);
  });
});

describe("a signed address that was not good any more", () => {
  it.each([400, 403, 410])("with %i is asked for again, once", async (status) => {
    const good = open([{ status, isElsewhere: true }, { status: 200 }]);
    expect((await good.send()).status).toBe(200);
    const bad = open([{ status, isElsewhere: true }]);
    expect((await bad.send()).status).toBe(status);
    expect(bad.sent).toEqual([1, 2]);
  });

  it("is not what the registry itself refuses, nor what is not there", async () => {
    for (const answer of [{ status: 403 }, { status: 404, isElsewhere: true }]) {
      const { send, sent } = open([answer, { status: 200 }]);
      expect((await send()).status).toBe(answer.status);
      expect(sent).toEqual([1]);
    }
  });
});

describe("a body that is read before it counts as answered", () => {
  const broken: Bytes = {
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("read too early")) }),
  };

  it("is given as it was read", async () => {
    const { send } = open([{ status: 200, body: bytesOf(text("ab"), text("c")) }]);
    expect((await send({ bodyLimit: 3 })).whole).toEqual(text("abc"));
  });

  it("is an error beyond its limit, and not asked for again", async () => {
    const { send, sent } = open([{ status: 200, body: bytesOf(text("abcd")) }]);
    expect(await errorOf(send({ bodyLimit: 3 }))).toMatchObject({ code: "LIMIT_EXCEEDED" });
    expect(sent).toEqual([1]);
  });

  it("is left to the caller for any other answer, and where no limit is named", async () => {
    for (const [status, bodyLimit] of [
      [404, 3],
      [200, undefined],
    ]) {
      const { send } = open([{ status: status ?? 0, body: broken }]);
      expect((await send({ bodyLimit })).body).toBe(broken);
    }
  });
});

describe("what is told", () => {
  it("is each further attempt and its pause, and none behind the last", async () => {
    const { send, events } = open([{ status: 503 }], { attempts: 3, minDelay: 1, maxDelay: 1 });
    expect(await errorOf(send())).toMatchObject({ status: 503, attempt: 3 });
    const about = { host: "registry.example", reason: "UNAVAILABLE" };
    expect(events).toEqual([
      { type: "retry", ...about, attempt: 2 },
      { type: "wait", ...about, milliseconds: 1 },
      { type: "retry", ...about, attempt: 3 },
      { type: "wait", ...about, milliseconds: 1 },
    ]);
  });

  it("is nothing of a failure that ends it", async () => {
    const { send, events } = open([{ status: 503 }, { status: 502 }]);
    expect(await errorOf(send({ method: "POST" }))).toMatchObject({ status: 502 });
    expect(events.map(({ type }) => type)).toEqual(["retry", "wait"]);
  });
});

describe("the pause before the next attempt", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([
    ["is what the registry asks for, where that is longer", "3", { minDelay: 1000, maxDelay: 1000 }, 3000],
    ["is its own, where that is longer", "1", { minDelay: 2000, maxDelay: 2000 }, 2000],
  ])("%s", async (_what, retryAfter, options, milliseconds) => {
    const { send, sent } = open(
      [{ status: 503, headers: { "retry-after": retryAfter } }, { status: 200 }],
      options,
    );
    const answered = send();
    await vi.advanceTimersByTimeAsync(milliseconds - 1);
    expect(sent).toEqual([1]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent).toEqual([1, 2]);
    expect((await answered).status).toBe(200);
  });

  it("ends when the signal is aborted, with its reason", async () => {
    const controller = new AbortController();
    const { send, sent } = open([{ status: 503, headers: { "retry-after": "30" } }]);
    const failed = errorOf(send({ signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(10);
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await failed).toBe(reason);
    expect(sent).toEqual([1]);
  });
});

it("an attempt that fails while the signal is aborted ends with its reason", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const run = async (): Promise<never> => {
    controller.abort(reason);
    throw new OciError("DENIED", "refused");
  };
  const { signal } = controller;
  const settings = settingsOf({});
  const options = { ...settings, host: "registry.example", isWorthIt: () => true, signal };
  expect(await errorOf(withRetries(run, options))).toBe(reason);
});

it("pauses differ, so that many clients do not come back at the same moment", async () => {
  const random = vi.spyOn(Math, "random").mockReturnValue(0.5);
  const { send, events } = open([{ status: 503 }, { status: 200 }], { minDelay: 2, maxDelay: 100 });
  await send();
  random.mockRestore();
  expect(events).toContainEqual(expect.objectContaining({ type: "wait", milliseconds: 3 }));
});
