import { createImage, type ScriptRule } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { errorOf, openScripted, type Opened } from "../../fixture/scripted.ts";
import type { TraceEvent } from "./trace.ts";

const image = createImage({ layers: 1 });
const tag = "/v2/library/app/manifests/v1";

async function openWith(rule: Omit<ScriptRule, "path">, path = "/v2/*"): Promise<Opened> {
  const opened = await openScripted();
  await opened.server.content.add("library/app", image, { tags: ["v1"] });
  opened.server.script([{ ...rule, path }]);
  return opened;
}

describe("a request is sent again", () => {
  it.each([408, 429, 500, 502, 503, 504])("after %d", async (status) => {
    await using opened = await openWith({ nth: [1, 2], answer: { status } });
    expect(await opened.repository.headManifest("v1")).toBeDefined();
    expect(opened.requests()).toHaveLength(3);
  });

  it("after a connection that was reset", async () => {
    await using opened = await openWith({ nth: 1, reset: true });
    expect(await opened.repository.getManifest("v1")).toBeDefined();
  });

  it("five times at the most, and the error says so", async () => {
    await using opened = await openWith({ answer: { status: 503 } });
    const error = await errorOf(opened.repository.getManifest("v1"));
    expect(error).toMatchObject({ code: "UNAVAILABLE", status: 503, attempt: 5, retryable: true });
    expect(opened.requests()).toHaveLength(5);
  });

  it("as a deleted manifest, for that is the same twice", async () => {
    await using opened = await openWith({ nth: 1, answer: { status: 502 } }, tag);
    expect(await opened.repository.deleteTag("v1")).toBe("deleted");
  });
});

describe("a request is not sent again", () => {
  it.each([400, 403, 404, 405, 413, 501])("after %d", async (status) => {
    await using opened = await openWith({ answer: { status } });
    await errorOf(opened.repository.getManifest("v1"));
    expect(opened.requests()).toHaveLength(1);
  });

  it("C39 if its answer was lost and it could do twice what it does", async () => {
    await using opened = await openScripted();
    const session = await opened.repository.openUpload();
    opened.server.script([{ method: "PUT", path: "*", reset: true }]);
    expect(await errorOf(session.commit(image.document.descriptor.digest))).toMatchObject({
      code: "CONNECTION_FAILED",
    });
    expect(opened.requests().filter((line) => line.startsWith("PUT"))).toHaveLength(1);
  });

  it("if the registry wants more time than is given", async () => {
    const headers = { "retry-after": "61" };
    await using opened = await openWith({ answer: { status: 429, headers } });
    const error = await errorOf(opened.repository.getManifest("v1"));
    expect(error).toMatchObject({ code: "TOOMANYREQUESTS", retryAfter: 61_000 });
    expect(opened.requests()).toHaveLength(1);
  });
});

it.each([
  ["seconds", "0"],
  ["a date", new Date(0).toUTCString()],
])("Retry-After in %s is read", async (_form, value) => {
  await using opened = await openWith({ nth: 1, answer: { status: 429, headers: { "retry-after": value } } });
  await opened.repository.getManifest("v1");
  expect(opened.events).toContainEqual(expect.objectContaining({ type: "wait", reason: "TOOMANYREQUESTS" }));
});

it("Retry-After is obeyed where it is longer than the own pause", async () => {
  await using waiting = await openScripted({}, () => ({ retry: { minDelay: 1, maxWait: 3_600_000 } }));
  const aborted = new AbortController();
  waiting.server.script([{ path: "*", answer: { status: 503, headers: { "retry-after": "3600" } } }]);
  const result = errorOf(waiting.repository.getManifest("v1", { signal: aborted.signal }));
  await expect.poll(() => waiting.events.at(-1)).toMatchObject({ type: "wait", milliseconds: 3_600_000 });
  const reason = new Error("enough");
  aborted.abort(reason);
  expect(await result).toBe(reason);
  expect(waiting.requests()).toHaveLength(1);
});

it("while a host rests, its other requests wait with the one that it complained of", async () => {
  const events: TraceEvent[] = [];
  let other: Promise<unknown> | undefined;
  const trace = (event: TraceEvent): void => {
    events.push(event);
    if (event.type === "retry") other = opened.repository.headManifest("v2");
  };
  await using opened = await openScripted({}, () => ({ retry: { minDelay: 40, maxDelay: 40 }, trace }));
  opened.server.script([{ path: tag, nth: 1, answer: { status: 429 } }]);
  await opened.repository.headManifest("v1");
  await other;
  expect(events).toContainEqual(expect.objectContaining({ type: "wait", reason: "LIMIT" }));
});
