import { bytesOf, readAll, type Budget } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { hostOf } from "../host.ts";
import { settingsOf } from "../options.ts";
import { errorOf } from "../../fixture/scripted.ts";
import { limit } from "./limit.ts";
import type { Lane, RegistryRequest, RegistryResponse, Send } from "./message.ts";

const host = hostOf("registry.example", settingsOf({}));

function requestOn(lane: Lane, signal?: AbortSignal): RegistryRequest {
  return { host, method: "GET", url: host.url, lane, subject: "blob", signal };
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
    const limited = limit({ concurrency: 2, budget: undefined })(send);
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
    const limited = limit({ concurrency: 1, budget: undefined })(send);
    const all = [limited(requestOn("upload")), limited(requestOn("download"))];
    await settled();
    expect(waiting).toHaveLength(2);
    for (const release of waiting) release();
    await Promise.all(all);
  });

  it("who aborts while waiting leaves the queue, and nobody else waits for it", async () => {
    const { send, waiting } = gate();
    const limited = limit({ concurrency: 1, budget: undefined })(send);
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
  const limited = limit({ concurrency: 1, budget })(async (request) => answer(request));
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
