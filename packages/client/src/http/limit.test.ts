import { bytesOf, readAll, type Budget } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { hostOf } from "../host.ts";
import { settingsOf, type ClientOptions } from "../options.ts";
import { errorOf } from "../../fixture/scripted.ts";
import { limit } from "./limit.ts";
import type { Lane, RegistryRequest, RegistryResponse, Send } from "./message.ts";
import type { Reception, Turn } from "./pace.ts";
import type { TraceEvent } from "./trace.ts";

const settings = settingsOf({});

/** Makes requests to a host that takes so many of them at a time. */
function requestsAt(concurrency: number, options: Pick<ClientOptions, "now"> = {}) {
  const host = hostOf("registry.example", settingsOf({ ...options, concurrency }));
  return (lane: Lane, signal?: AbortSignal): RegistryRequest => ({
    host,
    method: "GET",
    url: host.url,
    lane,
    subject: "blob",
    signal,
  });
}

function answer(request: RegistryRequest): RegistryResponse {
  const body = bytesOf(new Uint8Array(3), new Uint8Array(4));
  return { status: 200, headers: {}, url: request.url, request, body };
}

/** A sender that answers when it is told to. */
function gate(): { readonly send: Send; readonly waiting: (() => void)[] } {
  const waiting: (() => void)[] = [];
  const send: Send = (request) =>
    new Promise((resolve) => {
      waiting.push(() => resolve(answer(request)));
    });
  return { send, waiting };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("places", () => {
  it("no more requests are under way than there are, and each answer lets the next one in", async () => {
    const { send, waiting } = gate();
    const requestOn = requestsAt(2);
    const limited = limit(settings)(send);
    const all = [1, 2, 3].map(() => limited(requestOn("api")));
    await settled();
    expect(waiting).toHaveLength(2);
    waiting[0]?.();
    await settled();
    expect(waiting).toHaveLength(3);
    for (const release of waiting) release();
    await Promise.all(all);
  });

  it("uploads do not take the places of the downloads that feed them", async () => {
    const { send, waiting } = gate();
    const requestOn = requestsAt(1);
    const limited = limit(settings)(send);
    const all = [limited(requestOn("upload")), limited(requestOn("download"))];
    await settled();
    expect(waiting).toHaveLength(2);
    for (const release of waiting) release();
    await Promise.all(all);
  });

  it("who aborts while waiting leaves the queue, and nobody else waits for it", async () => {
    const { send, waiting } = gate();
    const requestOn = requestsAt(1);
    const limited = limit(settings)(send);
    const controller = new AbortController();
    const first = limited(requestOn("api"));
    const second = errorOf(limited(requestOn("api", controller.signal)));
    const third = limited(requestOn("api"));
    await settled();
    controller.abort(new Error("left"));
    expect(await second).toMatchObject({ message: "left" });
    waiting[0]?.();
    await first;
    await settled();
    expect(waiting).toHaveLength(2);
    waiting[1]?.();
    await third;
  });
});

it("the budget is asked for each request, pull and byte, and shown every answer", async () => {
  const spent: string[] = [];
  const budget: Budget = {
    take: async (name, kind, amount) => void spent.push(`${name} ${kind} ${amount}`),
    observe: (name, _headers, status) => void spent.push(`${name} saw ${status}`),
  };
  const requestOn = requestsAt(1);
  const limited = limit({ ...settings, budget })(async (request) => answer(request));
  const { body } = await limited({ ...requestOn("download"), counts: "pull" });
  expect((await readAll(body, { limit: 7 })).byteLength).toBe(7);
  expect(spent).toEqual([
    "registry.example request 1",
    "registry.example pull 1",
    "registry.example saw 200",
    "registry.example byte 3",
    "registry.example byte 4",
  ]);
});

describe("the trace tells of waits", () => {
  const timed = (waits: { readonly budget: boolean }) => {
    const events: TraceEvent[] = [];
    let time = 0;
    const budget: Budget = {
      take: async () => {
        if (waits.budget) time += 500;
      },
      observe: () => undefined,
    };
    const now = () => time;
    const layer = limit({ budget, now, trace: (event: TraceEvent) => void events.push(event) });
    const pass = (milliseconds: number) => void (time += milliseconds);
    return { events, layer, pass, requestOn: requestsAt(1, { now }) };
  };

  it("for a place", async () => {
    const { send, waiting } = gate();
    const { events, layer, pass, requestOn } = timed({ budget: false });
    const limited = layer(send);
    const all = [limited(requestOn("api")), limited(requestOn("api"))];
    await settled();
    pass(250);
    waiting[0]?.();
    await settled();
    waiting[1]?.();
    await Promise.all(all);
    expect(events).toEqual([{ type: "wait", host: "registry.example", milliseconds: 250, reason: "LIMIT" }]);
  });

  it("for the budget", async () => {
    const { events, layer, requestOn } = timed({ budget: true });
    await layer(async (request) => answer(request))(requestOn("api"));
    expect(events).toEqual([{ type: "wait", host: "registry.example", milliseconds: 500, reason: "LIMIT" }]);
  });

  it("but not of requests that pass at once", async () => {
    const { events, layer, requestOn } = timed({ budget: false });
    await layer(async (request) => answer(request))(requestOn("api"));
    expect(events).toEqual([]);
  });
});

describe("what an answer says of the pace", () => {
  const said = async (status: number, from: { readonly url?: URL } = {}): Promise<readonly Reception[]> => {
    const request = requestsAt(1)("api");
    const receptions: Reception[] = [];
    const turn: Turn = { note: (reception) => void receptions.push(reception), leave: () => undefined };
    const host = { ...request.host, pace: { enter: async () => turn } };
    const headers = { "retry-after": "2" };
    const send: Send = async (asked) => ({ ...answer(asked), status, headers, url: from.url ?? asked.url });
    await limit(settings)(send)({ ...request, host });
    return receptions;
  };

  it.each([429, 503])("%d is too much, until its Retry-After", async (status) => {
    expect(await said(status)).toEqual([{ isTooMuch: true, retryAfter: 2000 }]);
  });

  it.each([200, 202, 401, 404])("%d is as good as any", async (status) => {
    expect(await said(status)).toEqual([{ isTooMuch: false }]);
  });

  it("500 says nothing of it, nor does where the host redirects to", async () => {
    expect(await said(500)).toEqual([]);
    expect(await said(503, { url: new URL("https://storage.example/x") })).toEqual([]);
  });
});
