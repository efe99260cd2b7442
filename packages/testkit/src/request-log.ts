import type { IncomingMessage, Server } from "node:http";
import { parseRoute, type Route } from "@drayage/oci";

/** What a request is for, by its path. */
export type RequestKind =
  | "ping"
  | "manifest"
  | "blob"
  | "upload"
  | "tags"
  | "referrers"
  | "catalog"
  | "token"
  | "other";

/** One request as it arrived. */
export interface LoggedRequest {
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly url: string;
  readonly kind: RequestKind;
  /** Which server it arrived at. */
  readonly label: string;
}

/** The requests that servers have received. */
export interface RequestLog {
  readonly entries: readonly LoggedRequest[];
  /** Logs what `server` receives from now on; gives a function that ends this. */
  watch(server: RequestEvents, label: string): () => void;
  /** How many requests there were of each `METHOD label`, such as `GET src`. */
  counts(): Readonly<Record<string, number>>;
  /** How many there were of each `METHOD kind label`, such as `POST upload dst`. */
  kinds(): Readonly<Record<string, number>>;
  total(): number;
  clear(): void;
}

/** A server of node:http or node:https. */
export type RequestEvents = Pick<Server, "prependListener" | "off">;

/**
 * A log of real requests on the wire, for tests that assert round trips.
 *
 * @example
 * const log = createRequestLog();
 * log.watch(server, "dst");
 * expect(log.counts()).toEqual({ "HEAD dst": 1, "PUT dst": 1 });
 */
export function createRequestLog(): RequestLog {
  const entries: LoggedRequest[] = [];
  return {
    get entries() {
      return [...entries];
    },
    watch(server, label) {
      const record = ({ method = "", url = "" }: IncomingMessage): void => {
        entries.push({ method, url, label, kind: kindOf(url) });
      };
      server.prependListener("request", record);
      return () => server.off("request", record);
    },
    counts: () => countsOf(entries, ({ method, label }) => `${method} ${label}`),
    kinds: () => countsOf(entries, ({ method, kind, label }) => `${method} ${kind} ${label}`),
    total: () => entries.length,
    clear: () => void entries.splice(0),
  };
}

const kinds: Readonly<Record<Route["kind"], RequestKind>> = {
  base: "ping",
  catalog: "catalog",
  tags: "tags",
  manifest: "manifest",
  blob: "blob",
  uploads: "upload",
  upload: "upload",
  referrers: "referrers",
};

/** What a request for `url`, a path with its query, is for. */
export function kindOf(url: string): RequestKind {
  const route = parseRoute(url);
  if (route !== undefined) return kinds[route.kind];
  const [path = ""] = url.split("?", 1);
  return path.endsWith("/token") ? "token" : "other";
}

function countsOf(
  entries: readonly LoggedRequest[],
  keyOf: (entry: LoggedRequest) => string,
): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const entry of entries) counts.set(keyOf(entry), (counts.get(keyOf(entry)) ?? 0) + 1);
  return Object.fromEntries(counts);
}
