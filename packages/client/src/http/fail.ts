import {
  codeOfErrors,
  headerOf,
  isOciError,
  OciError,
  parseErrorBody,
  parseRetryAfter,
  readAll,
  type Credential,
  type ErrorBody,
  type HttpHeaders,
  type OciErrorCode,
  type OciErrorOptions,
} from "@drayage/oci";
import { mayReceiveSecret } from "../auth/may-receive-secret.ts";
import type { Host } from "../host.ts";
import type { RegistryRequest, RegistryResponse, Subject } from "./message.ts";
import { redactUrl } from "./url.ts";

const errorBodyLimit = 64 * 1024;
const requestIdHeaders = [
  "x-request-id",
  "x-amzn-requestid",
  "x-github-request-id",
  "x-ms-correlation-request-id",
];

/** The error that an unwanted answer is; reads its body. */
export async function fail(
  response: RegistryResponse,
  { cause, retryable }: Pick<OciErrorOptions, "cause" | "retryable"> = {},
): Promise<OciError> {
  const { status, headers, request } = response;
  const body = await readErrorBody(response);
  const [first] = body.errors;
  const url = redactUrl(response.url);
  const said = first?.message === undefined ? "" : `: ${first.message}`;
  const code = codeOf(status, request, body);
  return new OciError(code, `${request.method} ${url} answered ${status}${said}`, {
    status,
    method: request.method,
    url,
    attempt: request.attempt ?? 1,
    detail: detailOf(body),
    registryErrors: body.errors.length === 0 ? undefined : body.errors,
    requestId: requestIdOf(headers),
    retryAfter: parseRetryAfter(headerOf(headers, "retry-after")),
    retryable: retryable ?? isTransient(status),
    hint: hintOf(code, response, body),
    cause,
  });
}

/** Whether the same request may be answered better later. */
export function isTransient(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

/** The detail of the one error; of several, such as one per missing blob, a list. */
function detailOf({ errors, text }: ErrorBody): unknown {
  if (errors.length > 1) return errors.map(({ detail }) => detail);
  return errors[0]?.detail ?? text;
}

async function readErrorBody(response: RegistryResponse): Promise<ErrorBody> {
  try {
    const body = await readErrors(response);
    // A token server could repeat the secret that it was sent.
    return response.request.subject === "token" ? { errors: [] } : body;
  } catch {
    return { errors: [] }; // the status says enough
  }
}

/**
 * What the body of an answer says of errors; a page that is longer than any registry's says nothing.
 *
 * @throws OciError CONNECTION_FAILED, TIMEOUT
 */
export async function readErrors({ body }: RegistryResponse): Promise<ErrorBody> {
  try {
    return parseErrorBody(await readAll(body, { limit: errorBodyLimit }));
  } catch (error) {
    if (isOciError(error, "LIMIT_EXCEEDED")) return { errors: [] };
    throw error;
  }
}

/**
 * What the status says where it can say one thing only; else what the registry calls it, if it is one of our codes;
 * else what the status means for what was asked.
 */
function codeOf(status: number, { subject, method }: RegistryRequest, { errors }: ErrorBody): OciErrorCode {
  const certain = certainCodes.get(status);
  if (certain !== undefined) return certain;
  const code = status < 500 ? codeOfErrors(errors) : undefined;
  if (code !== undefined && code !== "UNKNOWN") return code;
  if (status === 404) return unknown[subject];
  if (status === 400 && subject === "manifest" && method === "PUT") return "MANIFEST_INVALID";
  if (status === 408 || status >= 500) return status === 501 ? "UNSUPPORTED" : "UNAVAILABLE";
  return likelyCodes.get(status) ?? (status < 400 ? "RESPONSE_INVALID" : "UNKNOWN");
}

const unknown: Readonly<Record<Subject, OciErrorCode>> = {
  manifest: "MANIFEST_UNKNOWN",
  blob: "BLOB_UNKNOWN",
  upload: "BLOB_UPLOAD_UNKNOWN",
  repository: "NAME_UNKNOWN",
  registry: "UNSUPPORTED",
  token: "UNAUTHORIZED",
};

const certainCodes: ReadonlyMap<number, OciErrorCode> = new Map<number, OciErrorCode>([
  [304, "NOT_MODIFIED"],
  [401, "UNAUTHORIZED"],
  [412, "PRECONDITION_FAILED"],
  [416, "RANGE_INVALID"],
  [429, "TOOMANYREQUESTS"],
]);

const likelyCodes: ReadonlyMap<number, OciErrorCode> = new Map<number, OciErrorCode>([
  [403, "DENIED"],
  [405, "UNSUPPORTED"],
  [413, "SIZE_INVALID"],
]);

function requestIdOf(headers: HttpHeaders): string | undefined {
  return requestIdHeaders.map((name) => headerOf(headers, name)).find((value) => value !== undefined);
}

/** What can be done: what the provider of the credential says, else what is known of the registry. */
function hintOf(code: OciErrorCode, response: RegistryResponse, body: ErrorBody): string | undefined {
  const { credential, host, subject } = response.request;
  // Who else was led to has not seen any credential, nor would another one help.
  if (subject !== "token" && !mayReceiveSecret(host.url, response.url)) return undefined;
  const known = host.hints[code];
  if (code === "UNAUTHORIZED" || code === "DENIED") return hintOfRefusal(credential, { host, known });
  if (known !== undefined) return known;
  const isStray = response.status === 400 && response.url.protocol === "http:" && body.errors.length === 0;
  return isStray ? `it may speak https, without hosts["${host.name}"].plainHttp` : undefined;
}

function hintOfRefusal(
  credential: Credential | undefined,
  { host, known }: { readonly host: Host; readonly known: string | undefined },
): string {
  if (credential?.hint !== undefined) return credential.hint;
  if (credential === undefined) {
    return [`no credential for ${host.name} was sent`, ...(known === undefined ? [] : [known])].join("; ");
  }
  if (known !== undefined) return known;
  return credential.type === "basic"
    ? "is the password still good? Some registries take an access token in place of it, and no password"
    : "has the token the rights for this, and has it not ended?";
}
