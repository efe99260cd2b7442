import { parseAuthorization, Secret } from "@drayage/oci";
import type { Received } from "../http/received.ts";
import type { AuthenticationRequest, Proof } from "./authenticate.ts";

/** What a request says of who sends it, its secrets put where nothing prints them. */
export function authenticationRequestOf(received: Received): AuthenticationRequest {
  const { authorization, ...headers } = received.headers;
  const proof = proofOf(authorization);
  // Tools of the containers family send an empty user and password for none.
  const isEmpty = proof?.scheme === "basic" && proof.username === "" && proof.password.reveal() === "";
  return {
    proof: isEmpty ? undefined : proof,
    hasAuthorization: authorization !== undefined && !isEmpty,
    headers,
    peer: received.peer(),
    signal: received.signal,
  };
}

/** The user and password or the token that a header carries. */
export function proofOf(header: string | undefined): Proof | undefined {
  const parsed = header === undefined ? undefined : parseAuthorization(header);
  if (parsed?.scheme === "bearer") return { scheme: "bearer", token: new Secret(parsed.token) };
  return parsed && { ...parsed, password: new Secret(parsed.password) };
}
