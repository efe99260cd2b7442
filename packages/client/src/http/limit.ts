import { abortable, closing, type Budget, type Bytes, type CallOptions } from "@drayage/oci";
import type { Settings } from "../options.ts";
import type { Layer, RegistryRequest, RegistryResponse } from "./message.ts";

export type LimitSettings = Pick<Settings, "concurrency" | "budget" | "trace" | "now">;

/**
 * Bounds how much is asked of a registry: so many requests at a time, and as much as its budget allows.
 *
 * A place is kept until the answer begins. Uploads have places of their own, for what they send may come from the
 * same registry: if both shared them, uploads could fill them all and wait for downloads that get none.
 */
export function limit({ concurrency, budget, trace, now }: LimitSettings): Layer {
  const places = new Map<string, Places>();
  const placesOf = ({ host, lane }: RegistryRequest): Places => {
    const key = `${lane === "upload" ? "upload" : "other"} ${host.url.origin}`;
    const found = places.get(key) ?? createPlaces(concurrency);
    places.set(key, found);
    return found;
  };
  return (next) => async (request) => {
    const start = now();
    const leave = await placesOf(request).enter(request);
    try {
      if (budget !== undefined) await take(budget, request);
      const milliseconds = now() - start;
      if (milliseconds >= 1) trace({ type: "wait", host: request.host.name, milliseconds, reason: "LIMIT" });
      const response = await next(request);
      return budget === undefined ? response : observed(response, budget, request);
    } finally {
      leave();
    }
  };
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

interface Places {
  /** Resolves to what gives the place back. */
  enter(options: CallOptions): Promise<() => void>;
}

function createPlaces(count: number): Places {
  const waiting = new Set<() => void>();
  let free = count;

  const leave = (): void => {
    const [next] = waiting;
    if (next === undefined) {
      free++;
      return;
    }
    waiting.delete(next);
    next();
  };

  return {
    async enter({ signal }) {
      signal?.throwIfAborted();
      if (free > 0) {
        free--;
        return leave;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.add(resolve);
      try {
        await abortable(promise, signal);
      } catch (error) {
        // Whoever was let in at the very moment of the abort passes the place on.
        if (!waiting.delete(resolve)) leave();
        throw error;
      }
      return leave;
    },
  };
}
