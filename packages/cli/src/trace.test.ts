import type { TraceEvent } from "@drayage/client";
import { parseDigest } from "@drayage/oci";
import { expect, it } from "vitest";
import { describeEvent } from "./trace.ts";

const host = "r.example";
const url = `https://${host}/v2/`;
const digest = parseDigest(`sha256:${"0".repeat(64)}`);

it.each<[TraceEvent, string]>([
  [
    { type: "request", method: "GET", url, host, status: 200, milliseconds: 12.4, attempt: 1, bytes: 1500 },
    `GET ${url}: 200 (12 ms, 1.5 kB)`,
  ],
  [
    { type: "request", method: "GET", url, host, milliseconds: 3, attempt: 2, error: "CONNECTION_FAILED" },
    `GET ${url}: CONNECTION_FAILED (3 ms, attempt 2)`,
  ],
  [
    { type: "retry", host, attempt: 2, reason: "UNAVAILABLE" },
    `retry: attempt 2 at ${host}, after UNAVAILABLE`,
  ],
  [{ type: "wait", host, milliseconds: 250, reason: "TIMEOUT" }, `wait: 250 ms for ${host}, TIMEOUT`],
  [
    { type: "token", host, scopes: ["repository:a:pull"], expiresIn: 60_000, credential: "basic" },
    `token: repository:a:pull at ${host}, for 60 s, basic`,
  ],
  [{ type: "warning", host, text: "old" }, `warning: ${host} says "old"`],
  [{ type: "rate-limit", host, remaining: 3, limit: 100 }, `rate limit: 3 of 100 left at ${host}`],
  [{ type: "rate-limit", host, limit: 100 }, `rate limit: unknown of 100 left at ${host}`],
  [
    { type: "progress", host, direction: "upload", bytes: 1000, total: 2000, digest },
    `upload: ${digest}, 1.0 kB of 2.0 kB`,
  ],
  [
    { type: "mirror", host, mirror: "m.example", reason: "TIMEOUT" },
    `mirror: m.example did not serve ${host}, TIMEOUT`,
  ],
  [{ type: "progress", host, direction: "download", bytes: 1000 }, "download: a blob, 1.0 kB"],
])("$0.type is one line", (event, line) => {
  expect(describeEvent(event)).toBe(line);
});
