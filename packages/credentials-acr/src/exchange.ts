import {
  isVisibleAscii,
  OciError,
  ownValue,
  parseJsonObject,
  readAll,
  Secret,
  type Credential,
  type HttpSend,
} from "@drayage/oci";

/** What the registry is given, and how. */
export interface Exchange {
  readonly registry: string;
  readonly entraToken: Secret;
  readonly tenant?: string | undefined;
  readonly send: HttpSend;
  readonly now: number;
  readonly signal?: AbortSignal | undefined;
}

const headers = { "content-type": "application/x-www-form-urlencoded", accept: "application/json" };
const answerLimit = 64 * 1024;
const quarterHour = 15 * 60;
const day = 24 * 60 * 60;

/**
 * The refresh token that the registry gives for an Entra token.
 *
 * @throws OciError CREDENTIAL_UNAVAILABLE, and what `send` throws; never with the answer
 * @see https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
 */
export async function exchange(wish: Exchange): Promise<Credential> {
  const { registry, send, signal, now } = wish;
  const url = `https://${registry}/oauth2/exchange`;
  const response = await send({ method: "POST", url, headers, body: formOf(wish) }, { signal });
  const bytes = await readAll(response.body, { limit: answerLimit });
  if (response.status !== 200) throw notExchanged(registry, response.status);
  const token = parseRefreshToken(bytes);
  if (token === undefined) throw unusable(registry);
  const expiresAt = new Date(now + lifeOf(token) * 1000);
  return { type: "refresh-token", token: new Secret(token), expiresAt };
}

function formOf({ registry, tenant, entraToken }: Exchange): string {
  const form = new URLSearchParams({ grant_type: "access_token", service: registry });
  if (tenant !== undefined) form.set("tenant", tenant);
  form.set("access_token", entraToken.reveal());
  return form.toString();
}

/** The token that an answer holds, if it holds one that a header can carry. */
function parseRefreshToken(bytes: Uint8Array): string | undefined {
  const answer = parseJsonObject(bytes);
  const token = answer === undefined ? undefined : ownValue(answer, "refresh_token");
  return typeof token === "string" && isVisibleAscii(token) ? token : undefined;
}

/**
 * How many seconds the token says it lives. It is not verified, and the clocks of two machines are not compared;
 * a registry that sees it otherwise answers 401, and the exchange is done again.
 */
function lifeOf(token: string): number {
  const claims = parseJsonObject(Buffer.from(token.split(".")[1] ?? "", "base64url"));
  if (claims === undefined) return quarterHour;
  const [exp, iat] = [ownValue(claims, "exp"), ownValue(claims, "iat")];
  const life = typeof exp === "number" && typeof iat === "number" ? exp - iat : Number.NaN;
  return life > 0 && life <= day ? life : quarterHour;
}

function notExchanged(registry: string, status: number): OciError {
  return new OciError("CREDENTIAL_UNAVAILABLE", `${registry} did not exchange the Entra token: ${status}`, {
    status,
    retryable: status === 429 || status >= 500,
    hint: "check that the identity belongs to the registry's tenant and has AcrPull or AcrPush on it; other clouds may need `tenant` and `scope`",
  });
}

function unusable(registry: string): OciError {
  const message = `${registry} answered the exchange without a usable refresh token`;
  return new OciError("CREDENTIAL_UNAVAILABLE", message, { hint: "is it an Azure Container Registry?" });
}
