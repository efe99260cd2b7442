import { headerOf, parseChallenges, parseScopes, Secret, selectChallenge } from "@drayage/oci";
import { drain } from "../http/body.ts";
import {
  isOneWay,
  type Layer,
  type RegistryRequest,
  type RegistryResponse,
  type Send,
} from "../http/message.ts";
import { createAuthority, type Authority, type AuthoritySettings } from "./authority.ts";
import { mayReceiveSecret } from "./may-receive-secret.ts";
import type { Proof } from "./token-cache.ts";

/** How often a challenge is answered: once with what is known, once more in case that was out of date. */
const rounds = [1, 2] as const;

/**
 * Proves to a registry what the request may do; the only place that sets `Authorization`.
 *
 * Nothing is sent before the registry has asked for it, and nothing to anywhere else: neither to where an upload or
 * a redirect leads, nor in answer to a challenge from there.
 */
export function authorize(tokens: Send, settings: AuthoritySettings): Layer {
  const authority = createAuthority(tokens, settings);
  return (next) => async (request) => {
    if (!mayReceiveSecret(request.host.url, request.url)) return next(request);
    let proof = await authority.known(request);
    let response = await next(withProof(request, proof));
    for (const round of rounds) {
      if (!isChallenged(response)) return response;
      if (proof !== undefined) authority.forget(request, proof);
      if (isOneWay(request.body)) return response;
      const answer = await answerOrDrain(response, { authority, request, proof, round });
      if (answer === undefined) return response;
      await drain(response.body);
      proof = answer;
      response = await next(withProof(request, proof));
    }
    return response;
  };
}

interface Circumstances {
  readonly authority: Authority;
  readonly request: RegistryRequest;
  /** What has just been refused. */
  readonly proof: Proof | undefined;
  readonly round: (typeof rounds)[number];
}

/** What {@link answerTo} gives; if it fails, nobody is left to read the challenge. */
async function answerOrDrain(
  response: RegistryResponse,
  circumstances: Circumstances,
): Promise<Proof | undefined> {
  try {
    return await answerTo(response, circumstances);
  } catch (error) {
    await drain(response.body);
    throw error;
  }
}

async function answerTo(
  response: RegistryResponse,
  { authority, request, proof, round }: Circumstances,
): Promise<Proof | undefined> {
  const challenge = challengeOf(response);
  if (challenge === undefined || request.permission === undefined) return undefined;
  if (challenge.scheme === "basic") return authority.password(request, { refused: proof, response });
  // A credential that is good for a token is not at fault if the token does not reach far enough.
  const isAtFault = round === 2 && challenge.error !== "insufficient_scope";
  const challenged = parseScopes(challenge.scope ?? "");
  return authority.token(request, challenge, {
    challenged: round === 2 && challenged.length > 0 ? { only: challenged } : { also: challenged },
    refused: isAtFault ? proof : undefined,
    response,
  });
}

function withProof(request: RegistryRequest, proof: Proof | undefined): RegistryRequest {
  const { headers } = request.host;
  if (proof === undefined) return { ...request, credential: undefined, privateHeaders: headers };
  const privateHeaders = { ...headers, authorization: proof.authorization.reveal() };
  return { ...request, credential: proof.credential, privateHeaders };
}

/** What an answered request was proven with: the value of its `Authorization`. */
export function proofOf({ request: { privateHeaders = {} } }: RegistryResponse): Secret | undefined {
  const authorization = headerOf(privateHeaders, "authorization");
  return authorization === undefined ? undefined : new Secret(authorization);
}

/** A 401, or a 403 that asks for a better token; from the registry itself, not from where it redirected to. */
function isChallenged(response: RegistryResponse): boolean {
  const { status, request, url } = response;
  if (status !== 401 && status !== 403) return false;
  if (!mayReceiveSecret(request.host.url, url)) return false;
  return status === 401 || isInsufficient(response);
}

function isInsufficient(response: RegistryResponse): boolean {
  const challenge = challengeOf(response);
  return challenge?.scheme === "bearer" && challenge.error === "insufficient_scope";
}

function challengeOf({ headers }: RegistryResponse) {
  return selectChallenge(parseChallenges(headers["www-authenticate"]).challenges);
}
