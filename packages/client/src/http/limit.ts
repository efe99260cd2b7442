import { closing, headerOf, parseRetryAfter, type Budget, type Bytes } from "@drayage/oci";
import type { Settings } from "../options.ts";
import type { Layer, RegistryRequest, RegistryResponse } from "./message.ts";
import type { Reception } from "./pace.ts";

export type LimitSettings = Pick<Settings, "budget" | "trace" | "now">;

/** Bounds how much is asked of a registry: at its host's pace, and as much as its budget allows. */
export function limit({ budget, trace, now }: LimitSettings): Layer {
  return (next) => async (request) => {
    const { host, lane } = request;
    const start = now();
    const turn = await host.pace.enter(lane === "upload" ? "upload" : "other", request);
    try {
      if (budget !== undefined) await take(budget, request);
      const milliseconds = now() - start;
      if (milliseconds >= 1) trace({ type: "wait", host: host.name, milliseconds, reason: "LIMIT" });
      const response = await next(request);
      const reception = receptionOf(response);
      if (reception !== undefined) turn.note(reception);
      return budget === undefined ? response : observed(response, budget, request);
    } finally {
      turn.leave();
    }
  };
}

/** What the host itself has said of the pace, and nobody whom it led to. */
function receptionOf({ status, headers, url, request }: RegistryResponse): Reception | undefined {
  if (url.origin !== request.host.url.origin) return undefined;
  if (status === 429 || status === 503) {
    return { isTooMuch: true, retryAfter: parseRetryAfter(headerOf(headers, "retry-after")) };
  }
  return status < 500 ? { isTooMuch: false } : undefined;
}

async function take(budget: Budget, { counts, host, signal }: RegistryRequest): Promise<void> {
  await budget.take(host.name, "request", 1, { signal });
  if (counts !== undefined) await budget.take(host.name, counts, 1, { signal });
}

function observed(response: RegistryResponse, budget: Budget, request: RegistryRequest): RegistryResponse {
  budget.observe(request.host.name, response.headers, response.status);
  return request.lane === "download"
    ? { ...response, body: metered(response.body, budget, request) }
    : response;
}

function metered(body: Bytes, budget: Budget, { host, signal }: RegistryRequest): Bytes {
  const source = body[Symbol.asyncIterator]();
  return closing(reading(), () => source.return?.());

  async function* reading(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of { [Symbol.asyncIterator]: () => source }) {
      await budget.take(host.name, "byte", chunk.byteLength, { signal });
      yield chunk;
    }
  }
}
