import { formatScope } from "@drayage/oci";
import type { ChallengeFor } from "./authenticate.ts";

/**
 * Asks for a user name and password.
 *
 * @param realm what clients may show when they ask their user
 */
export function basicChallenge(realm: string): ChallengeFor {
  const challenge = { scheme: "basic", params: new Map([["realm", realm]]) };
  return () => challenge;
}

/**
 * Asks for a token, for just what the request needs.
 *
 * @param realm the URL of the token service, or a function for a server that learns its address by listening
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export function bearerChallenge(realm: string | (() => string), service: string): ChallengeFor {
  return ({ scopes, error }) => {
    const params = new Map([
      ["realm", typeof realm === "string" ? realm : realm()],
      ["service", service],
    ]);
    if (scopes.length > 0) params.set("scope", scopes.map(formatScope).join(" "));
    if (error !== undefined) params.set("error", error);
    return { scheme: "bearer", params };
  };
}
