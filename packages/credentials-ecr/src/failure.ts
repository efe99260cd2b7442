import { bareCause, isOciError, OciError } from "@drayage/oci";
import type { EcrHost } from "./hosts.ts";

interface Reason {
  readonly message: string;
  readonly hint: string;
}

const notAccepted: Reason = {
  message: "AWS does not accept the identity",
  hint: "renew the keys or the session (`aws sso login`) and check the machine's clock",
};

/** What AWS's own names for failures mean here. */
const reasons: ReadonlyMap<string, Reason> = new Map([
  [
    "CredentialsProviderError",
    {
      message: "no AWS identity was found",
      hint: "sign in (`aws sso login`), set AWS_PROFILE or AWS_ACCESS_KEY_ID, or pass `profile` or `credentials`",
    },
  ],
  [
    "AccessDeniedException",
    {
      message: "AWS does not let this identity ask for an ECR token",
      hint: "allow it ecr:GetAuthorizationToken",
    },
  ],
  ["ExpiredTokenException", notAccepted],
  ["UnrecognizedClientException", notAccepted],
  ["InvalidSignatureException", notAccepted],
]);

const publicActions =
  "it takes ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken; public images can be pulled without a credential, with `publicRegistry: false`";

/** Why there is no credential for `registry`, and what to do about it. */
export function unavailable(registry: string, host: EcrHost, error: unknown): OciError {
  if (isOciError(error, "CREDENTIAL_UNAVAILABLE")) return error;
  const cause = bareCause(error);
  const reason = reasons.get(cause.name) ?? {
    message: `the ECR API in ${host.kind === "public" ? "us-east-1" : host.region} did not give a token`,
    hint: "check the network, the region, and the machine's clock",
  };
  const hint = host.kind === "public" ? `${reason.hint}; ${publicActions}` : reason.hint;
  return new OciError("CREDENTIAL_UNAVAILABLE", `${registry}: ${reason.message}`, { cause, hint });
}
