import type { IncomingHttpHeaders } from "node:http";
import type { Peer } from "../auth/authenticate.ts";
import type { RequestBody } from "./exchange.ts";

/** A request as it has come, whoever took it from the network. */
export interface Received {
  readonly method: string;
  /** The path and the query, as they were sent. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: RequestBody;
  /** Who is at the other end; asked for only where that matters. */
  peer(): Peer;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

/** The path of a target and its query, which is without the question mark. */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf("?");
  return mark < 0
    ? { path: target, query: "" }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}
