import type { AuthorizationData, ECRClientConfig } from "@aws-sdk/client-ecr";
import { bareCause, decodeBase64, isVisibleAscii, OciError, Secret, type Credential } from "@drayage/oci";
import type { EcrHost } from "./hosts.ts";

/** What the AWS SDK accepts as an identity: keys, or a function that finds them. */
export type AwsIdentity = NonNullable<ECRClientConfig["credentials"]>;

/** Whose name the token is asked for in; without either, the SDK looks where it always does. */
export interface Identity {
  readonly profile?: string | undefined;
  readonly credentials?: AwsIdentity | undefined;
}

interface Ask extends Identity {
  readonly signal?: AbortSignal | undefined;
}

type PrivateHost = Extract<EcrHost, { readonly kind: "private" }>;

const halfDay = 12 * 60 * 60 * 1000;

/** The answer of `GetAuthorizationToken` for `host`, asked with an SDK client that lives for this one call. */
export function askForAuthorization(host: EcrHost, ask: Ask): Promise<AuthorizationData | undefined> {
  return host.kind === "public" ? askPublic(ask) : askPrivate(host, ask);
}

/**
 * The user and password that `data` holds as base64, good for twelve hours unless it says otherwise.
 *
 * @throws OciError RESPONSE_INVALID; never with the data
 */
export function parseAuthorization(data: AuthorizationData | undefined, now: number): Credential {
  const text = decodeBase64(data?.authorizationToken ?? "") ?? "";
  const colon = text.indexOf(":");
  const username = text.slice(0, colon);
  const password = text.slice(colon + 1);
  if (colon < 1 || !isVisibleAscii(password)) {
    throw new OciError("RESPONSE_INVALID", "AWS answered without a usable ECR authorization token");
  }
  const expiresAt = data?.expiresAt ?? new Date(now + halfDay);
  return { type: "basic", username, password: new Secret(password), expiresAt };
}

async function askPrivate(host: PrivateHost, ask: Ask): Promise<AuthorizationData | undefined> {
  const { ECRClient, GetAuthorizationTokenCommand } = await import("@aws-sdk/client-ecr");
  const client = new ECRClient({
    region: host.region,
    ...identityOf(ask),
    ...endpointOf(host),
  });
  try {
    // `registryIds` is deprecated and does not narrow the token.
    const answer = await client.send(new GetAuthorizationTokenCommand({}), callOf(ask));
    return answer.authorizationData?.[0];
  } finally {
    client.destroy();
  }
}

async function askPublic(ask: Ask): Promise<AuthorizationData | undefined> {
  const { ECRPUBLICClient, GetAuthorizationTokenCommand } = await importPublic();
  // The only region in which the API exists:
  // https://docs.aws.amazon.com/AmazonECR/latest/public/public-registry-auth.html
  const client = new ECRPUBLICClient({ region: "us-east-1", ...identityOf(ask) });
  try {
    const answer = await client.send(new GetAuthorizationTokenCommand({}), callOf(ask));
    return answer.authorizationData;
  } finally {
    client.destroy();
  }
}

async function importPublic(): Promise<typeof import("@aws-sdk/client-ecr-public")> {
  try {
    return await import("@aws-sdk/client-ecr-public");
  } catch (error) {
    throw new OciError(
      "CREDENTIAL_UNAVAILABLE",
      "public.ecr.aws needs the package @aws-sdk/client-ecr-public",
      {
        cause: bareCause(error),
        hint: "install it beside @drayage/credentials-ecr, or pull anonymously with `publicRegistry: false`",
      },
    );
  }
}

/** Only what the name asks for, so that the environment may still ask for FIPS; the SDK takes no address besides. */
function endpointOf({ endpoint, fips, dualStack }: PrivateHost): Partial<ECRClientConfig> {
  if (endpoint !== undefined) return { endpoint, useFipsEndpoint: false, useDualstackEndpoint: false };
  return {
    ...(fips ? { useFipsEndpoint: true } : {}),
    ...(dualStack ? { useDualstackEndpoint: true } : {}),
  };
}

function identityOf({ profile, credentials }: Identity): { profile?: string; credentials?: AwsIdentity } {
  return {
    ...(profile === undefined ? {} : { profile }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

function callOf({ signal }: Ask): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}
