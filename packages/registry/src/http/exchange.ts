import type { IncomingHttpHeaders } from "node:http";
import type { Action, Bytes, ListOptions, Repository } from "@drayage/oci";

/** What a request may ask of memory. */
export interface Limits {
  /** Bytes of a manifest; 4 MiB by default, the least that the distribution-spec recommends. */
  readonly manifestBytes: number;
  /** Layers of an image or manifests of an index; 1,000 by default. */
  readonly descriptors: number;
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
  readonly limits: Limits;
  /** What who asks may do beside what the operation needs. */
  readonly caller: Rights;
  /** The repository, for what the operation may do. @throws OciError NAME_INVALID */
  repository(name: string): Repository;
  /** Every repository that who asks may know of. */
  listRepositories(options: ListOptions): AsyncIterable<string>;
}

export interface Rights {
  /** Whether tags that exist may be moved, and not only new ones set. */
  readonly mayMoveTags: boolean;
  /** Whether a blob may be taken over from the operation's source, or from anywhere where it names none. */
  readonly mayMount: boolean;
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
  /** What must be allowed of the repository that the route names. */
  readonly access: readonly Action[];
  /** Another repository, which it reads if that is allowed and does without if not. */
  readonly source?: string | undefined;
  /** Whether it may move a tag that exists, which is a right of its own. */
  readonly movesTags?: boolean | undefined;
  answer(call: Call): Promise<Reply>;
}

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

/** The methods that a resource knows. */
export type Operations = { readonly [Name in Method]?: Operation };

/** What `method` does, if the resource knows it. */
export function methodOf<Entry>(
  methods: { readonly [Name in Method]?: Entry },
  method: string,
): Entry | undefined {
  return Object.entries(methods).find(([name]) => name === method)?.[1];
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
