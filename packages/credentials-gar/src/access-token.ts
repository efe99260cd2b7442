import { isVisibleAscii, OciError, Secret, type Credential } from "@drayage/oci";

/** A client of google-auth-library, or anything else that gives Google access tokens. */
export interface AccessTokenSource {
  getAccessToken(): Promise<AccessTokenAnswer>;
  readonly credentials?: { readonly expiry_date?: number | null | undefined } | undefined;
}

/** What the clients of google-auth-library answer with, each in its own way. */
export type AccessTokenAnswer = string | null | undefined | { readonly token?: string | null | undefined };

/** A client that looks for application default credentials when it is asked. */
export async function createDefaultSource(scopes: readonly string[]): Promise<AccessTokenSource> {
  const { GoogleAuth } = await import("google-auth-library");
  // The library looks for the project too, at worst by running `gcloud`; a token does not need it.
  const auth = new GoogleAuth({ scopes: [...scopes], projectId: "unused" });
  return auth.getClient();
}

/**
 * The access token of `source`, as the password that Artifact Registry takes.
 *
 * @throws OciError RESPONSE_INVALID; never with the answer
 * @see https://cloud.google.com/artifact-registry/docs/docker/authentication#token
 */
export async function askForToken(source: AccessTokenSource, now: number): Promise<Credential> {
  const answer = await source.getAccessToken();
  const token = typeof answer === "string" ? answer : answer?.token;
  if (typeof token !== "string" || !isVisibleAscii(token)) {
    throw new OciError("RESPONSE_INVALID", "Google's auth client has no usable access token");
  }
  const expiresAt = new Date(expiryOf(source) ?? now + minute);
  return { type: "basic", username: "oauth2accesstoken", password: new Secret(token), expiresAt };
}

/** How long a token is kept whose end is not known; the auth client, which knows, is then asked again. */
const minute = 60_000;

function expiryOf({ credentials }: AccessTokenSource): number | undefined {
  const expiry = credentials?.expiry_date;
  return typeof expiry === "number" && Number.isFinite(expiry) ? expiry : undefined;
}
