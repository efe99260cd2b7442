import { refuse, type ScriptedAnswer } from "../scripted/exchange.ts";
import type { Fault } from "./fault.ts";
import { afterLogin, blob, manifest, once, session, uploads } from "./place.ts";
import type { HostileWorld } from "./world.ts";

/** In seconds; the least that can be said. */
const wait = 1;

const busy: ScriptedAnswer = { status: 503 };
const failing: ScriptedAnswer = refuse(503, "UNKNOWN");
const tooMany: ScriptedAnswer = {
  ...refuse(429, "TOOMANYREQUESTS"),
  headers: { "retry-after": String(wait) },
};

/** Answers that say that it did not work, this time or at all. */
export const statusFaults: readonly Fault[] = [
  {
    title: "fault 4: POST uploads answered 500, once",
    target: () => [{ ...once, method: "POST", path: uploads, answer: { status: 500 } }],
  },
  {
    title: "fault 5: POST uploads answered 503, twice",
    target: () => [{ per: "blob", nth: [1, 2], method: "POST", path: uploads, answer: busy }],
  },
  {
    title: "fault 6: POST uploads answered 429 with Retry-After",
    target: () => [{ nth: 1, method: "POST", path: uploads, answer: tooMany }],
    problem: ({ target }) => hurry(target.ledger, "POST"),
  },
  {
    title: "fault 7: a blob's body answered 503, with an error in JSON",
    target: () => [{ ...once, method: "PUT", path: session, answer: failing }],
  },
  {
    title: "fault 8: a blob's body answered 503, with nothing",
    target: () => [{ ...once, method: "PUT", path: session, answer: busy }],
  },
  {
    title: "fault 9: a blob's body answered 429 with Retry-After",
    target: () => [{ nth: 1, method: "PUT", path: session, answer: tooMany }],
    problem: ({ target }) => hurry(target.ledger, "PUT"),
  },
  {
    title: "fault 10: GET manifest answered 429",
    source: () => [
      { nth: afterLogin, method: "GET", path: manifest, answer: refuse(429, "TOOMANYREQUESTS") },
    ],
  },
  {
    title: "fault 11: GET manifest answered 503",
    source: () => [{ nth: afterLogin, method: "GET", path: manifest, answer: busy }],
  },
  {
    title: "fault 12: GET blob answered 503",
    source: () => [{ ...once, method: "GET", path: blob, answer: busy }],
  },
  {
    title: "fault 13: PUT manifest answered 500, with an error in JSON",
    target: () => [{ nth: 1, method: "PUT", path: manifest, answer: refuse(500, "UNKNOWN") }],
  },
  {
    title: "fault 14: PUT manifest answered 404 MANIFEST_BLOB_UNKNOWN, once",
    target: () => [{ nth: 1, method: "PUT", path: manifest, answer: refuse(404, "MANIFEST_BLOB_UNKNOWN") }],
  },
  {
    title: "fault 15: HEAD manifest answered 403 at the target",
    target: () => [{ method: "HEAD", path: manifest, answer: { status: 403 } }],
  },
  {
    title: "fault 16: HEAD manifest answered 405",
    target: () => [{ method: "HEAD", path: manifest, answer: { status: 405 } }],
  },
  ...[403, 405].map(
    (status): Fault => ({
      title: `fault 17: HEAD blob answered ${status}`,
      target: () => [{ method: "HEAD", path: blob, answer: { status } }],
      targetQuirks: { existence: "head" },
    }),
  ),
];

/** Addresses, sessions and tokens that are other than one would like, or end. */
export const sessionFaults: readonly Fault[] = [
  {
    title: "fault 19: relative Location",
    target: () => [{ method: "POST", path: uploads, change: withLocation((path) => path) }],
  },
  {
    title: "fault 19: absolute Location",
    target: ({ target }) => [
      { method: "POST", path: uploads, change: withLocation((path) => `${target.url()}${path}`) },
    ],
  },
  {
    title: "fault 19: missing Docker-Content-Digest",
    source: () => [{ path: "/v2/*", headers: { "docker-content-digest": undefined } }],
    target: () => [{ path: "/v2/*", headers: { "docker-content-digest": undefined } }],
  },
  {
    title: "fault 19: 307 of GET blob to another host",
    source: (world) => [{ method: "GET", path: blob, change: presigned(world) }],
  },
  {
    title: "fault 20: the token dies between POST and body, the server lies about its life",
    target: ({ target }) => [
      {
        nth: 1,
        method: "POST",
        path: uploads,
        change: (answer) => {
          if (answer.status === 202) target.revokeTokens();
          return answer;
        },
      },
    ],
  },
  {
    title: "fault 21: the token dies between POST and body, and the server said so",
    tokenLife: 62,
    target: (world) => [
      {
        nth: 2,
        method: "POST",
        path: uploads,
        change: (answer) => {
          world.letPass(63_000);
          return answer;
        },
      },
    ],
    problem: ({ target }) => {
      const wasted = target.ledger.filter(({ method, status }) => method === "PUT" && status === 401);
      return wasted.length === 0
        ? undefined
        : `${wasted.length} bodies were sent with a token known to be dead`;
    },
  },
  {
    title: "fault 29: 401 in the middle of an upload",
    target: ({ target }) => [
      { ...once, method: "PUT", path: session, takeOnly: 1_000_000, answer: unauthorized(target.url()) },
    ],
  },
  {
    title: "fault 30: an expired presigned URL",
    source: (world) => [
      { method: "GET", path: blob, change: presigned(world) },
      { ...once, origin: "storage.source.test", path: "/storage/*", answer: expired },
    ],
  },
  {
    title: "fault 30: a presigned URL that expires before the download is resumed",
    source: (world) => [
      { method: "GET", path: blob, change: presigned(world) },
      { ...once, origin: "storage.source.test", path: "/storage/*", cutAfter: 1_000_000 },
      { nth: 2, per: "blob", origin: "storage.source.test", path: "/storage/*", answer: expired },
    ],
  },
  {
    title: "fault 31: the session is lost by the server",
    target: () => [{ ...once, method: "PUT", path: session, answer: refuse(404, "BLOB_UPLOAD_UNKNOWN") }],
  },
];

const expired: ScriptedAnswer = {
  status: 403,
  headers: { "content-type": "application/xml" },
  body: "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
};

function unauthorized(registry: string): ScriptedAnswer {
  const header = `Bearer realm="${registry}/token",service="scripted",error="invalid_token"`;
  return { ...refuse(401, "UNAUTHORIZED"), headers: { "www-authenticate": header } };
}

/** Sends whoever may have the blob to where it is. */
function presigned({ source }: HostileWorld) {
  return (answer: ScriptedAnswer, { url }: { readonly url: URL }): ScriptedAnswer => {
    if (answer.status !== 200 && answer.status !== 206) return answer;
    const digest = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
    const location = `${source.url("storage.source.test")}/storage/app/${digest}?signature=good`;
    return { status: 307, headers: { location } };
  };
}

function withLocation(change: (path: string) => string) {
  return (answer: ScriptedAnswer): ScriptedAnswer => {
    const path = answer.headers?.["location"];
    if (typeof path !== "string") return answer;
    return { ...answer, headers: { ...answer.headers, location: change(path) } };
  };
}

/** Whether the next request of `method` came sooner than was asked for. */
function hurry(ledger: HostileWorld["target"]["ledger"], method: string): string | undefined {
  const refused = ledger.find((entry) => entry.method === method && entry.status === 429);
  if (refused === undefined) return "nothing was refused";
  const key = keyOf(refused.url);
  const next = ledger.find(
    (entry) => entry.method === method && entry.at > refused.at && keyOf(entry.url) === key,
  );
  const milliseconds = (next?.at ?? Number.POSITIVE_INFINITY) - refused.at;
  // Timers may run a moment early.
  return milliseconds >= wait * 1000 - 10 ? undefined : `came again after ${Math.round(milliseconds)} ms`;
}

function keyOf(url: string): string {
  return /sha256(?::|%3A)[0-9a-f]+/i.exec(url)?.[0] ?? url;
}
