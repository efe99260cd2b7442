import { abortable, closing, type Budget, type Bytes, type CallOptions } from "@drayage/oci";
import type { Settings } from "../options.ts";
import type { Layer, RegistryRequest, RegistryResponse, Send } from "./message.ts";

export type LimitSettings = Pick<Settings, "concurrency" | "budget">;

/**
 * Bounds how much is asked of a registry: so many requests at a time, and as much as its budget allows.
 *
 * A place is kept until the answer begins. Uploads have places of their own, for what they send may come from the
 * same registry: if both shared them, uploads could fill them all and wait for downloads that get none.
 */
export function limit({ concurrency, budget }: LimitSettings): Layer {
  const places = new Map<string, Places>();
  const placesOf = ({ host, lane }: RegistryRequest): Places => {
    const key = `${lane === "upload" ? "upload" : "other"} ${host.url.origin}`;
    const found = places.get(key) ?? createPlaces(concurrency);
    places.set(key, found);
    return found;
  };
  return (next) => async (request) => {
    const leave = await placesOf(request).enter(request);
    try {
      return budget === undefined ? await next(request) : await spend(budget, next, request);
    } finally {
      leave();
    }
  };
}

async function spend(budget: Budget, next: Send, request: RegistryRequest): Promise<RegistryResponse> {
  const { counts, host, lane, signal } = request;
  await budget.take(host.name, "request", 1, { signal });
  if (counts !== undefined) await budget.take(host.name, counts, 1, { signal });
  const response = await next(request);
  budget.observe(host.name, response.headers, response.status);
  return lane === "download" ? { ...response, body: metered(response.body, budget, request) } : response;
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
