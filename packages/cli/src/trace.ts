import type { RequestEvent, TraceEvent } from "@drayage/client";
import { formatSize } from "./size.ts";

/** One line about what the client did. */
export function describeEvent(event: TraceEvent): string {
  switch (event.type) {
    case "request":
      return describeRequest(event);
    case "retry":
      return `retry: attempt ${event.attempt} at ${event.host}, after ${event.reason}`;
    case "wait":
      return `wait: ${inMilliseconds(event.milliseconds)} for ${event.host}, ${event.reason}`;
    case "token":
      return `token: ${event.scopes.join(" ")} at ${event.host}, for ${event.expiresIn / 1000} s, ${event.credential}`;
    case "warning":
      return `warning: ${event.host} says "${event.text}"`;
    case "rate-limit": {
      const { host, remaining, limit } = event;
      return `rate limit: ${remaining ?? "unknown"} of ${limit ?? "unknown"} left at ${host}`;
    }
    case "mirror":
      return `mirror: ${event.mirror} did not serve ${event.host}, ${event.reason}`;
    case "progress": {
      const { direction, digest = "a blob", bytes, total } = event;
      const whole = total === undefined ? "" : ` of ${formatSize(total)}`;
      return `${direction}: ${digest}, ${formatSize(bytes)}${whole}`;
    }
  }
}

function describeRequest({ method, url, status, milliseconds, bytes, error, attempt }: RequestEvent): string {
  const details = [
    inMilliseconds(milliseconds),
    ...(bytes === undefined ? [] : [formatSize(bytes)]),
    ...(attempt === 1 ? [] : [`attempt ${attempt}`]),
  ];
  return `${method} ${url}: ${status ?? error ?? "failed"} (${details.join(", ")})`;
}

function inMilliseconds(milliseconds: number): string {
  return `${Math.round(milliseconds)} ms`;
}
