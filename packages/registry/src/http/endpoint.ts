import type { IncomingHttpHeaders } from "node:http";
import type { Peer, Proof } from "../auth/authenticate.ts";
import type { Method, Reply, RequestBody } from "./exchange.ts";

/** A request to a path outside of `/v2/`. */
export interface EndpointCall {
  /** Without the question mark. */
  readonly query: string;
  /** All but `Authorization`. */
  readonly headers: IncomingHttpHeaders;
  readonly proof: Proof | undefined;
  readonly hasAuthorization: boolean;
  readonly peer: Peer;
  readonly body: RequestBody;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

/** The methods of a path outside of `/v2/`; it decides itself who may use them. */
export type Endpoint = { readonly [Name in Method]?: (call: EndpointCall) => Promise<Reply> };

/** By path. */
export type Endpoints = Readonly<Record<string, Endpoint>>;
