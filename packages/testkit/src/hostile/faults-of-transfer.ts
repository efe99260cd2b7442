import type { Fault } from "./fault.ts";
import { afterLogin, blob, manifest, once, session, uploads } from "./place.ts";
import { refuse, type ScriptedAnswer, type ScriptedRequest } from "../scripted/exchange.ts";
import type { LedgerEntry, ScriptedRegistry } from "../scripted/registry.ts";
import type { Pace } from "../scripted/rule.ts";
import type { HostileWorld } from "./world.ts";

const megabyte = 1_000_000;

/** Connections and bodies that end, stop or lie. */
export const transferFaults: readonly Fault[] = [
  {
    title: "fault 1: TCP reset after 1 MB of a blob download",
    source: () => [{ ...once, method: "GET", path: blob, cutAfter: megabyte, cutBy: "reset" }],
  },
  {
    title: "fault 2: clean FIN, short body of a blob download",
    source: () => [{ ...once, method: "GET", path: blob, cutAfter: megabyte, cutBy: "end" }],
  },
  {
    title: "fault 3: TCP reset after 1 MB of a blob upload",
    target: () => [{ ...once, method: "PUT", path: session, takeOnly: megabyte }],
  },
  {
    title: "fault 18: corrupted source bytes are refused",
    source: () => [{ method: "GET", path: blob, change: corrupted }],
    refusal: "DIGEST_MISMATCH",
  },
  {
    title: "fault 22: a blob download that stalls after 1 MB",
    source: () => [{ ...once, method: "GET", path: blob, stallAfter: megabyte }],
  },
  {
    title: "fault 23: 416 on append",
    target: () => [{ nth: 1, method: "PATCH", path: session, answer: refuse(416, "BLOB_UPLOAD_INVALID") }],
    targetQuirks: { upload: "patch" },
  },
  {
    title: "fault 24: wrong Content-Range in answer to a resumed download",
    source: () => [
      { ...once, method: "GET", path: blob, cutAfter: megabyte },
      { nth: 2, per: "blob", method: "GET", path: blob, headers: { "content-range": "bytes 0-9/10" } },
    ],
  },
  {
    title: "fault 24: 200 in answer to a resumed download",
    source: ({ source }) => [
      { ...once, method: "GET", path: blob, cutAfter: megabyte },
      { nth: 2, per: "blob", method: "GET", path: blob, change: wholeBlob(source) },
    ],
  },
  {
    title: "fault 25: the same Location twice",
    target: () => [{ method: "POST", path: uploads, change: withLocations((real) => [real, real]) }],
  },
  {
    title: "fault 25: two Locations, the first of no session",
    target: () => [
      { nth: 1, method: "POST", path: uploads, change: withLocations((real) => [`${real}-not`, real]) },
    ],
  },
  {
    title: "fault 26: a manifest's JSON that breaks off",
    source: () => [{ nth: afterLogin, method: "GET", path: manifest, cutAfter: 100 }],
  },
  {
    title: "fault 26: a token's JSON that breaks off",
    source: () => [{ nth: 1, path: "/token", cutAfter: 10 }],
  },
  {
    title: "fault 26: an error's JSON that breaks off",
    source: () => [
      { nth: afterLogin, method: "GET", path: manifest, answer: refuse(503, "UNKNOWN"), cutAfter: 10 },
    ],
  },
  {
    title: "fault 26: truncated JSON with a length that fits is refused",
    source: () => [{ method: "GET", path: manifest, change: halved }],
    refusal: "DIGEST_MISMATCH",
  },
  {
    title: "fault 27: a blob download slower than 1 KiB/s over 30 s is resumed",
    source: (world) => [{ ...once, method: "GET", path: blob, pace: trickle(world) }],
    problem: ({ source }) => (source.ledger.some(isResumed) ? undefined : "it was waited for to its end"),
  },
  {
    title: "fault 27: blob downloads slower than 1 KiB/s over 30 s, each of them, are given up",
    source: (world) => [{ method: "GET", path: blob, pace: trickle(world) }],
    refusal: "TIMEOUT",
  },
  {
    title: "fault 28: connection refused twice",
    arrange: ({ source, target }) => {
      source.refuseConnections(2);
      target.refuseConnections(2);
    },
  },
];

/** 100 bytes a second, by the clock that the client is given. */
function trickle(world: HostileWorld): Pace {
  return { bytes: 1000, every: 1, between: () => world.letPass(10_000) };
}

function isResumed({ method, headers }: LedgerEntry): boolean {
  return method === "GET" && headers["range"] !== undefined;
}

function corrupted(answer: ScriptedAnswer): ScriptedAnswer {
  const body = Uint8Array.from(bytesOf(answer));
  body.set([(body.at(-1) ?? 0) ^ 1], body.byteLength - 1);
  return { ...answer, body };
}

function halved(answer: ScriptedAnswer): ScriptedAnswer {
  const bytes = bytesOf(answer);
  return { ...answer, body: bytes.subarray(0, bytes.byteLength / 2) };
}

/** As of a server that knows no ranges. */
function wholeBlob({ content }: ScriptedRegistry) {
  return (_part: ScriptedAnswer, { url }: ScriptedRequest): ScriptedAnswer => {
    const digest = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
    return { status: 200, body: content.repository("app").blobs.get(digest) };
  };
}

function withLocations(change: (real: string) => readonly string[]) {
  return (answer: ScriptedAnswer): ScriptedAnswer => {
    const real = answer.headers?.["location"];
    if (typeof real !== "string") return answer;
    return { ...answer, headers: { ...answer.headers, location: change(real) } };
  };
}

function bytesOf({ body = "" }: ScriptedAnswer): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}
