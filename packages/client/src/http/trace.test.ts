import { createBlob, createImage } from "@drayage/testkit";
import { expect, it } from "vitest";
import { openScripted } from "../../fixture/scripted.ts";
import type { TraceEvent } from "./trace.ts";

const manifestPath = "/v2/library/app/manifests/v1";

/** The events of one type, without what differs from run to run. */
function ofType<Type extends TraceEvent["type"]>(events: readonly TraceEvent[], type: Type) {
  return events.filter((event): event is Extract<TraceEvent, { type: Type }> => event.type === type);
}

it("rate-limit headers surface as an event", async () => {
  await using opened = await openScripted();
  const { server, repository, events } = opened;
  await server.content.add("library/app", createImage(), { tags: ["v1"] });
  const headers = {
    "ratelimit-limit": "100;w=21600",
    "ratelimit-remaining": "76;w=21600",
    "docker-ratelimit-source": "192.0.2.1",
  };
  server.script([{ path: manifestPath, headers }]);
  await repository.getManifest("v1");
  expect(ofType(events, "rate-limit")).toEqual([
    {
      type: "rate-limit",
      host: server.host(),
      limit: 100,
      remaining: 76,
      window: 21_600,
      source: "192.0.2.1",
    },
  ]);
});

it("a warning surfaces as an event", async () => {
  await using opened = await openScripted();
  const { server, repository, events } = opened;
  await server.content.add("library/app", createImage(), { tags: ["v1"] });
  server.script([{ path: manifestPath, headers: { warning: '299 - "This moves next week."' } }]);
  await repository.getManifest("v1");
  expect(ofType(events, "warning")).toEqual([
    { type: "warning", host: server.host(), text: "This moves next week." },
  ]);
});

it("what is tried again is announced, with its reason and pause", async () => {
  await using opened = await openScripted();
  const { server, repository, events } = opened;
  await server.content.add("library/app", createImage(), { tags: ["v1"] });
  server.script([{ path: manifestPath, nth: 1, answer: { status: 503 } }]);
  await repository.getManifest("v1");
  expect(events.map(({ type }) => type)).toEqual(["request", "retry", "wait", "request"]);
  expect(ofType(events, "retry")).toEqual([
    { type: "retry", host: server.host(), attempt: 2, reason: "UNAVAILABLE" },
  ]);
  expect(ofType(events, "wait")).toMatchObject([{ reason: "UNAVAILABLE" }]);
  expect(ofType(events, "request").map(({ attempt, status }) => [attempt, status])).toEqual([
    [1, 503],
    [2, 200],
  ]);
});

it("so is a download that goes on where it broke off", async () => {
  await using opened = await openScripted();
  const { server, repository, events } = opened;
  const blob = createBlob({ size: 10_000 });
  await repository.putBlob(blob.descriptor, blob.open);
  server.script([{ method: "GET", path: "/v2/library/app/blobs/*", nth: 1, cutAfter: 4000 }]);
  for await (const _chunk of (await repository.getBlob(blob.descriptor.digest)).body);
  expect(ofType(events, "retry")).toEqual([
    { type: "retry", host: server.host(), attempt: 2, reason: "CONNECTION_FAILED" },
  ]);
});

const mebibyte = 1024 * 1024;

it("a download tells how far it has come, about once per MiB and at its end", async () => {
  await using opened = await openScripted();
  const { server, repository, events } = opened;
  const blob = createBlob({ size: 3 * mebibyte + 1, seed: 1 });
  const { digest, size } = blob.descriptor;
  await repository.putBlob(blob.descriptor, blob.open);
  for await (const _chunk of (await repository.getBlob(digest)).body);
  const downloads = ofType(events, "progress").filter(({ direction }) => direction === "download");
  const steps = downloads.map(({ bytes }, index) => bytes - (downloads[index - 1]?.bytes ?? 0));
  expect(steps.slice(0, -1).filter((step) => step < mebibyte || step > 1.5 * mebibyte)).toEqual([]);
  expect(downloads.length).toBeGreaterThanOrEqual(3);
  expect(downloads.at(-1)).toEqual({
    type: "progress",
    host: server.host(),
    direction: "download",
    digest,
    bytes: size,
    total: size,
  });
});

it("so does an upload", async () => {
  await using opened = await openScripted();
  const { repository, events } = opened;
  const blob = createBlob({ size: 2 * mebibyte, seed: 2 });
  const { digest, size } = blob.descriptor;
  await repository.putBlob(blob.descriptor, blob.open);
  expect(ofType(events, "progress")).toMatchObject([
    { direction: "upload", digest, bytes: mebibyte, total: size },
    { direction: "upload", digest, bytes: size, total: size },
  ]);
});

it("and an upload in pieces, which knows its digest only at its end", async () => {
  await using opened = await openScripted();
  const { repository, events } = opened;
  const blob = createBlob({ size: mebibyte + 1, seed: 3 });
  const { digest, size } = blob.descriptor;
  const session = await repository.openUpload();
  await session.append(await blob.open(0));
  await session.commit(digest);
  const [underway, last] = ofType(events, "progress");
  expect(underway).toMatchObject({ direction: "upload", bytes: size });
  expect(underway).not.toHaveProperty("digest");
  expect(last).toMatchObject({ direction: "upload", digest, bytes: size, total: size });
});
