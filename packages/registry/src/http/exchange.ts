import type { IncomingHttpHeaders } from "node:http";
import type { Action, Bytes, Registry, Repository } from "@drayage/oci";

/** What a request may ask of memory. */
export interface Limits {
  /** Bytes of a manifest; 4 MiB by default, the least that the distribution-spec recommends. */
  readonly manifestBytes: number;
  /** Entries of a list; 10,000 by default. A longer one continues behind a `Link`. */
  readonly listEntries: number;
  /** Bytes of a list of referrers; 1 MiB by default, since clients read no more than 4. */
  readonly referrerBytes: number;
}

/** One request, as the operations see it. */
export interface Call {
  readonly headers: IncomingHttpHeaders;
  readonly body: RequestBody;
  /** Aborts when the client has gone. What changes something takes no notice, since its body is here. */
  readonly signal: AbortSignal;
  readonly registry: Registry;
  readonly limits: Limits;
  /** The repository, for what the operation may do. @throws OciError NAME_INVALID */
  repository(name: string): Repository;
}

export interface RequestBody {
  /** In bytes; `undefined` if only its end will tell. */
  readonly length: number | undefined;
  /** Its bytes, once. @throws OciError TIMEOUT from the iteration if the client falls silent */
  read(): Bytes;
}

/** What is answered. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Uint8Array | string | Bytes | undefined;
}

/** What one method does to a resource, and what one must be allowed to do for it. */
export interface Operation {
  readonly access: readonly Action[];
  answer(call: Call): Promise<Reply>;
}

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

/** The methods that a resource knows. */
export type Operations = { readonly [Name in Method]?: Operation };

/** The operation that `method` names, if the resource knows it. */
export function operationOf(operations: Operations, method: string): Operation | undefined {
  return Object.entries(operations).find(([name]) => name === method)?.[1];
}

export function jsonReply(status: number, body: string, headers: Reply["headers"] = {}): Reply {
  const length = String(Buffer.byteLength(body));
  return {
    status,
    headers: { "content-type": "application/json", "content-length": length, ...headers },
    body,
  };
}

/** An answer that is all in its headers. */
export function emptyReply(status: number, headers: Reply["headers"] = {}): Reply {
  // A 204 or 304 has no body to give the length of.
  const hasLength = status !== 204 && status !== 304;
  return { status, headers: hasLength ? { "content-length": "0", ...headers } : headers };
}

/** The same answer without its body, as HEAD wants it. */
export function headOf({ status, headers }: Reply): Reply {
  return { status, headers };
}
