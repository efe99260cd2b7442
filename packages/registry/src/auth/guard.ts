import { coversScope, formatChallenge, isOciError, OciError, type Challenge, type Scope } from "@drayage/oci";
import type { Reply, Rights } from "../http/exchange.ts";
import { failureReply } from "../http/failure.ts";
import type { Received } from "../http/received.ts";
import type { Authenticate, AuthenticationRequest, ChallengeFor, ChallengeRequest } from "./authenticate.ts";
import { allowKnown, parseAllowed, type AuthorizationRequest, type Authorize } from "./authorize.ts";
import { basicChallenge } from "./challenge.ts";
import { anybody, hasProof, parseIdentity, type Identity } from "./identity.ts";
import { repositoryScope, type Needs } from "./needs.ts";
import { authenticationRequestOf } from "./proof.ts";

export interface GuardOptions {
  readonly authenticate?: Authenticate | undefined;
  readonly authorize?: Authorize | undefined;
  readonly challenge?: ChallengeFor | undefined;
  readonly openBase?: boolean | undefined;
  /** Is told of callbacks that answer what they must not. */
  readonly report: (error: unknown) => void;
}

/** Who has been let in, and what else it may do. */
export interface Caller extends Rights {
  /** Whose uploads it begins and goes on with; nobody's if it is nobody in particular. */
  readonly owner: string | undefined;
  /** Those of the repositories that it may know of. */
  visible(names: readonly string[]): Promise<readonly string[]>;
}

export type Admission = { readonly caller: Caller } | { readonly refusal: Reply };

/** Lets a request in, or gives the answer that refuses it. Nothing has been read or stored until then. */
export type Guard = (received: Received, needs: Needs) => Promise<Admission>;

/** Lets everybody do everything. */
export const openGuard: Guard = () => Promise.resolve({ caller: everybody });

const everybody: Caller = {
  owner: undefined,
  mayMoveTags: true,
  mayMount: true,
  visible: (names) => Promise.resolve(names),
};

/** A guard that believes nothing but what the callbacks say. */
export function createGuard(options: GuardOptions): Guard {
  const { challenge = basicChallenge("registry"), openBase = false } = options;

  return async (received, needs) => {
    const { signal } = received;
    const request = authenticationRequestOf(received);
    const refuse = (error?: ChallengeRequest["error"]): Admission => ({
      refusal: challengeReply(challenge({ scopes: [...needs.required, ...needs.wanted], error })),
    });

    const identity = await identify(request, options);
    if (identity === undefined)
      return refuse(request.proof?.scheme === "bearer" ? "invalid_token" : undefined);
    if (needs.needsProof && !openBase && !hasProof(identity)) return refuse();
    const { subject, granted } = identity;
    if (granted !== undefined && !coversAll(granted, needs.required)) return refuse("insufficient_scope");

    const allow = (scopes: readonly Scope[]) => allowedOf({ identity, scopes, signal }, options);
    const allowed = await allow([...needs.required, ...needs.wanted, ...needs.unspoken]);
    if (coversAll(allowed, needs.required)) return { caller: callerOf(identity, needs, { allowed, allow }) };
    // A new login helps nobody who is known already.
    if (subject !== undefined) return { refusal: deniedReply() };
    return refuse(granted === undefined ? undefined : "insufficient_scope");
  };
}

/** Who it is; `undefined` if what came as proof proves nothing. */
async function identify(
  request: AuthenticationRequest,
  { authenticate = () => Promise.resolve(undefined), report }: GuardOptions,
): Promise<Identity | undefined> {
  try {
    const answer: unknown = await authenticate(request);
    if (answer === undefined) return request.hasAuthorization ? undefined : anybody;
    const identity = parseIdentity(answer);
    if (identity === undefined) report(malformed("authenticate", "an identity"));
    return identity;
  } catch (error) {
    if (isOciError(error, "UNAUTHORIZED")) return undefined;
    throw error;
  }
}

async function allowedOf(
  request: AuthorizationRequest,
  { authorize = allowKnown, report }: GuardOptions,
): Promise<readonly Scope[]> {
  if (request.scopes.length === 0) return [];
  const allowed = parseAllowed(await authorize(request), request.scopes);
  if (allowed === undefined) report(malformed("authorize", "a list of scopes"));
  return allowed ?? [];
}

interface Allowance {
  readonly allowed: readonly Scope[];
  readonly allow: (scopes: readonly Scope[]) => Promise<readonly Scope[]>;
}

function callerOf(
  { subject, granted }: Identity,
  { wanted, unspoken }: Needs,
  { allowed, allow }: Allowance,
): Caller {
  const isGranted = granted === undefined || coversAll(granted, wanted);
  return {
    owner: subject,
    mayMoveTags: coversAll(allowed, unspoken),
    // Without a source every repository would be one.
    mayMount: wanted.length > 0 && isGranted && coversAll(allowed, wanted),
    async visible(names) {
      const scopes = await allow(names.map((name) => repositoryScope(name, ["pull"])));
      const found = new Set(scopes.map(({ name }) => name));
      return names.filter((name) => found.has(name));
    },
  };
}

function coversAll(held: readonly Scope[], scopes: readonly Scope[]): boolean {
  return scopes.every((scope) => coversScope(held, scope));
}

function challengeReply(challenge: Challenge): Reply {
  const reply = failureReply(new OciError("UNAUTHORIZED", "authentication is required"));
  return { ...reply, headers: { ...reply.headers, "www-authenticate": formatChallenge(challenge) } };
}

function deniedReply(): Reply {
  return failureReply(new OciError("DENIED", "this is not allowed"));
}

function malformed(callback: string, expected: string): OciError {
  return new OciError("OPTION_INVALID", `${callback} did not answer with ${expected}, so nothing is allowed`);
}
