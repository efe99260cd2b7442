import type { X509Certificate } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Challenge, Scope, Secret } from "@drayage/oci";
import type { Endpoints } from "../http/endpoint.ts";
import type { Identity } from "./identity.ts";

/** What a request says of who sends it. */
export interface AuthenticationRequest {
  /** What the `Authorization` header holds, if it can be understood. */
  readonly proof: Proof | undefined;
  /** Whether there is such a header at all; then a request that nobody knows is refused rather than anonymous. */
  readonly hasAuthorization: boolean;
  /** All others. */
  readonly headers: IncomingHttpHeaders;
  readonly peer: Peer;
  readonly signal: AbortSignal;
}

export type Proof =
  | { readonly scheme: "basic"; readonly username: string; readonly password: Secret }
  | { readonly scheme: "bearer"; readonly token: Secret };

/** The other end of the connection. */
export interface Peer {
  readonly address: string | undefined;
  /** Only if the TLS server asked for it and trusts its issuer. */
  readonly certificate: X509Certificate | undefined;
}

/**
 * Finds out who sends a request; `undefined` if nothing in it is for this one to judge.
 *
 * @throws OciError UNAUTHORIZED for proof that is wrong; anything else is answered as a failure of the server
 */
export type Authenticate = (request: AuthenticationRequest) => Promise<Identity | undefined>;

/** What an answer of 401 asks for. */
export interface ChallengeRequest {
  readonly scopes: readonly Scope[];
  /** What was wrong with the token that came, by RFC 6750 §3.1. */
  readonly error?: "invalid_token" | "insufficient_scope" | undefined;
}

/** What to answer who has to prove more. */
export type ChallengeFor = (request: ChallengeRequest) => Challenge;

/** One way to prove who one is; spread it into the options of `createHandler`. */
export interface AuthenticationMethod {
  readonly authenticate: Authenticate;
  readonly challenge?: ChallengeFor | undefined;
  /** Paths that it needs outside of `/v2/`. */
  readonly endpoints?: Endpoints | undefined;
}

/**
 * Several ways to prove who one is, in this order. Clients are asked for the first that has a challenge, since
 * many understand no more than one.
 *
 * @example createHandler(registry, { ...anyMethod(certificateMethod(), basicMethod(accounts)), authorize })
 */
export function anyMethod(...methods: readonly AuthenticationMethod[]): AuthenticationMethod {
  return {
    async authenticate(request) {
      for (const { authenticate } of methods) {
        const identity = await authenticate(request);
        if (identity !== undefined) return identity;
      }
      return undefined;
    },
    challenge: methods.find(({ challenge }) => challenge !== undefined)?.challenge,
    endpoints: Object.fromEntries(methods.flatMap(({ endpoints = {} }) => Object.entries(endpoints))),
  };
}
