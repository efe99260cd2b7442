import {
  memoize,
  parseRegistry,
  type Credential,
  type CredentialProvider,
  type CredentialRequest,
} from "@drayage/oci";
import { askForAuthorization, parseAuthorization, type AwsIdentity } from "./authorization.ts";
import { unavailable } from "./failure.ts";
import { parseEcrHost, type EcrHost } from "./hosts.ts";

/** Where {@link fromEcr} finds an identity, and for which hosts. */
export interface EcrOptions {
  /** A profile of the shared AWS configuration; by default the SDK's own search decides. */
  readonly profile?: string | undefined;
  /** Keys, or a function that finds them, instead of the SDK's search. */
  readonly credentials?: AwsIdentity | undefined;
  /**
   * Private registries under other names, by `host[:port]`: a custom domain, LocalStack. `endpoint` is
   * the address of the ECR API where it is not that of the region.
   */
  readonly hosts?: Readonly<Record<string, EcrLocation>> | undefined;
  /** Whether `public.ecr.aws` is served too (true); without, its images are pulled anonymously. */
  readonly publicRegistry?: boolean | undefined;
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/** Where the token for a registry under another name comes from. */
export interface EcrLocation {
  readonly region: string;
  readonly endpoint?: string | undefined;
}

/**
 * A provider for Amazon ECR, private registries of every partition and `public.ecr.aws`.
 *
 * The region is read from the host name. A token lives for twelve hours and serves every registry of its region;
 * it is renewed at half its life, and kept for the rest of it while AWS cannot be asked.
 *
 * @throws OciError REFERENCE_INVALID for `hosts`; CREDENTIAL_UNAVAILABLE from the provider, when AWS gives no token
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
 * @example
 * const client = createClient({ credentials: fromEcr({ profile: "ci" }) })
 */
export function fromEcr(options: EcrOptions = {}): CredentialProvider {
  const { now = Date.now, profile, credentials } = options;
  const hostOf = createHostLookup(options);
  const load = async (request: CredentialRequest): Promise<Credential | undefined> => {
    const host = hostOf(request.registry);
    if (host === undefined) return undefined;
    try {
      const data = await askForAuthorization(host, { profile, credentials, signal: request.signal });
      return { ...parseAuthorization(data, now()), hint: permissionHint };
    } catch (error) {
      throw unavailable(request.registry, host, error);
    }
  };
  const key = ({ registry }: CredentialRequest): string => keyOf(hostOf(registry));
  const remembered = memoize(load, { key, now, refreshAfter: 0.5 });
  return async (request) => (hostOf(request.registry) === undefined ? undefined : remembered(request));
}

// https://docs.aws.amazon.com/AmazonECR/latest/userguide/security-iam-awsmanpol.html
const permissionHint =
  "the identity needs an IAM or repository policy such as AmazonEC2ContainerRegistryPullOnly (pull) or AmazonEC2ContainerRegistryPowerUser (push)";

/** Which ECR host a registry is, or `undefined` for any other registry. */
function createHostLookup({
  hosts = {},
  publicRegistry = true,
}: EcrOptions): (registry: string) => EcrHost | undefined {
  const named = new Map(
    Object.entries(hosts).map(([name, location]) => [parseRegistry(name).registry, location]),
  );
  return (registry) => {
    const location = named.get(registry);
    if (location !== undefined) return { kind: "private", fips: false, dualStack: false, ...location };
    const host = parseEcrHost(registry);
    return host?.kind === "public" && !publicRegistry ? undefined : host;
  };
}

/** One token serves a region, whatever the account in the host's name. */
function keyOf(host: EcrHost | undefined): string {
  if (host?.kind !== "private") return "public";
  return [host.region, host.fips, host.dualStack, host.endpoint].join(" ");
}
