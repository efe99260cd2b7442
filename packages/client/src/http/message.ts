import type { BudgetKind, Bytes, CallOptions, Credential, HttpHeaders, Scope } from "@drayage/oci";
import type { Host } from "../host.ts";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A body that can be sent again, or one that comes by once. */
export type RequestBody = Uint8Array | string | OneWayBody;

/** A body that is gone once it has been sent, `length` bytes long if that is known. */
export interface OneWayBody {
  readonly bytes: Bytes;
  readonly length?: number | undefined;
}

/** What an answer is for: small documents, or blobs on their way down or up, which have connections of their own. */
export type Lane = "api" | "download" | "upload";

/** What is asked for, which says what a 404 means. */
export type Subject = "manifest" | "blob" | "upload" | "repository" | "registry" | "token";

/** What has to be proven before a request is answered. */
export interface Permission {
  /** The repository whose credential is used; absent for what belongs to the whole registry. */
  readonly repository?: string | undefined;
  readonly scopes: readonly Scope[];
}

/** A request as it passes from layer to layer. */
export interface RegistryRequest extends CallOptions {
  /** The registry on whose behalf it is sent: its secrets, addresses and limits apply. */
  readonly host: Host;
  readonly method: Method;
  readonly url: URL;
  readonly lane: Lane;
  readonly subject: Subject;
  readonly headers?: HttpHeaders | undefined;
  /** Headers that only the registry itself may see; they are dropped on the way to anywhere else. */
  readonly privateHeaders?: HttpHeaders | undefined;
  readonly body?: RequestBody | undefined;
  /** What it was proven with, for errors to tell what could be done about a refusal. */
  readonly credential?: Credential | undefined;
  /** Absent for requests that are sent as they are. */
  readonly permission?: Permission | undefined;
  /** Whether it may be sent again although its answer was lost; by default what RFC 9110 §9.2.2 says of the method. */
  readonly isRepeatable?: boolean | undefined;
  /**
   * Reads the body of a 200 before it counts as answered, at most so many bytes, so that the request is sent again if
   * the body breaks off.
   */
  readonly bodyLimit?: number | undefined;
  /** Takes a redirect as the answer if `false`. */
  readonly followRedirects?: boolean | undefined;
  /** What it counts as besides a request. */
  readonly counts?: BudgetKind | undefined;
  /** How often it is sent at the most; as often as the settings say by default. */
  readonly attempts?: number | undefined;
  /** How often it has been sent, this time included. */
  readonly attempt?: number | undefined;
}

/** An answer whose headers have arrived. */
export interface RegistryResponse {
  readonly status: number;
  readonly headers: HttpHeaders;
  /** Must be read to its end or abandoned with `return()`, as `for await` does. */
  readonly body: Bytes;
  /** The whole body, where it has been read because the request has a `bodyLimit`; `body` is then at its end. */
  readonly whole?: Uint8Array | undefined;
  /** Where the answer came from, behind all redirects. */
  readonly url: URL;
  /** The request that it answers, as it was before any redirect. */
  readonly request: RegistryRequest;
}

export type Send = (request: RegistryRequest) => Promise<RegistryResponse>;

/** One concern around the sending of a request. */
export type Layer = (next: Send) => Send;

export function isOneWay(body: RequestBody | undefined): body is OneWayBody {
  return typeof body === "object" && "bytes" in body;
}
