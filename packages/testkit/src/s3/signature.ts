import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { headerOf, S3Refusal, type S3Request } from "./exchange.ts";

/** The one identity that an emulator knows. */
export interface S3Identity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What a signature says of itself. */
interface Claim {
  readonly accessKeyId: string;
  /** `<date>/<region>/s3/aws4_request` */
  readonly scope: string;
  /** `YYYYMMDD'T'HHMMSS'Z'` */
  readonly time: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** What was signed instead of the body. */
  readonly payload: string;
  /** In seconds; only of a URL. */
  readonly expires?: number | undefined;
}

const algorithm = "AWS4-HMAC-SHA256";
const greatestSkew = 15 * 60_000;

/**
 * Throws unless the request is signed by the identity, in its header or in its URL.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 */
export function requireSignature(
  request: S3Request,
  identity: S3Identity,
  { region, now }: { readonly region: string; readonly now: number },
): void {
  const claim = claimOf(request);
  if (claim.accessKeyId !== identity.accessKeyId) throw new S3Refusal(403, "InvalidAccessKeyId");
  requireTime(claim, now);
  if (claim.scope !== `${claim.time.slice(0, 8)}/${region}/s3/aws4_request`) {
    throw new S3Refusal(400, "AuthorizationHeaderMalformed");
  }
  requireSigned(request, claim);
  const expected = Buffer.from(signatureOf(request, claim, identity));
  const given = Buffer.from(claim.signature);
  if (given.byteLength !== expected.byteLength || !timingSafeEqual(given, expected)) {
    throw new S3Refusal(403, "SignatureDoesNotMatch");
  }
}

function claimOf(request: S3Request): Claim {
  const header = headerOf(request, "authorization");
  const isPresigned = request.parameters.has("X-Amz-Signature");
  if (header !== undefined && isPresigned) throw new S3Refusal(400, "InvalidArgument");
  if (isPresigned) return claimOfUrl(request);
  if (header === undefined) throw new S3Refusal(403, "AccessDenied");
  return claimOfHeader(request, header);
}

function claimOfHeader(request: S3Request, header: string): Claim {
  const [name, rest = ""] = header.split(/ (.*)/s);
  if (name !== algorithm) throw new S3Refusal(400, "InvalidRequest");
  const fields = new Map(
    rest.split(",").map((field) => {
      const [key = "", value = ""] = field.trim().split(/=(.*)/s);
      return [key, value] as const;
    }),
  );
  return {
    ...claimantOf(fields.get("Credential") ?? ""),
    time: headerOf(request, "x-amz-date") ?? "",
    signedHeaders: (fields.get("SignedHeaders") ?? "").split(";"),
    signature: fields.get("Signature") ?? "",
    payload: headerOf(request, "x-amz-content-sha256") ?? "",
  };
}

function claimOfUrl({ parameters }: S3Request): Claim {
  if (parameters.get("X-Amz-Algorithm") !== algorithm) throw new S3Refusal(400, "InvalidRequest");
  return {
    ...claimantOf(parameters.get("X-Amz-Credential") ?? ""),
    time: parameters.get("X-Amz-Date") ?? "",
    signedHeaders: (parameters.get("X-Amz-SignedHeaders") ?? "").split(";"),
    signature: parameters.get("X-Amz-Signature") ?? "",
    payload: parameters.get("X-Amz-Content-Sha256") ?? "UNSIGNED-PAYLOAD",
    expires: Number(parameters.get("X-Amz-Expires")),
  };
}

function claimantOf(credential: string): Pick<Claim, "accessKeyId" | "scope"> {
  const [accessKeyId = "", scope = ""] = credential.split(/\/(.*)/s);
  return { accessKeyId, scope };
}

function requireTime({ time, expires }: Claim, now: number): void {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time);
  if (parts === null) throw new S3Refusal(403, "AccessDenied");
  const [, year, month, day, hour, minute, second] = parts;
  const signed = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (expires === undefined) {
    if (Math.abs(now - signed) > greatestSkew) throw new S3Refusal(403, "RequestTimeTooSkewed");
    return;
  }
  const isValid = expires > 0 && expires <= 7 * 24 * 3600;
  if (!isValid) throw new S3Refusal(400, "AuthorizationQueryParametersError");
  if (now > signed + expires * 1000) throw new S3Refusal(403, "AccessDenied");
}

/** The host and every header of Amazon's own have to be signed. */
function requireSigned({ headers }: S3Request, { signedHeaders, expires }: Claim): void {
  const isOwn = (name: string): boolean =>
    name.startsWith("x-amz-") && (expires === undefined || name !== "x-amz-content-sha256");
  const needed = ["host", ...Object.keys(headers).filter(isOwn)];
  if (needed.every((name) => signedHeaders.includes(name))) return;
  throw new S3Refusal(403, "AccessDenied");
}

function signatureOf(request: S3Request, claim: Claim, { secretAccessKey }: S3Identity): string {
  const canonical = [
    request.method,
    request.path,
    canonicalQuery(request.query),
    ...claim.signedHeaders.map((name) => `${name}:${canonicalHeader(request, name)}`),
    "",
    claim.signedHeaders.join(";"),
    claim.payload,
  ].join("\n");
  const text = [algorithm, claim.time, claim.scope, createHash("sha256").update(canonical).digest("hex")];
  const key = claim.scope
    .split("/")
    .reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${secretAccessKey}`);
  return hmac(key, text.join("\n")).toString("hex");
}

function canonicalHeader({ headers }: S3Request, name: string): string {
  return String(headers[name] ?? "")
    .trim()
    .replaceAll(/ +/g, " ");
}

/** All parameters but the signature, in byte order; a request has them encoded already. */
function canonicalQuery(query: string): string {
  const parameters = query.split("&").filter((each) => each !== "" && !each.startsWith("X-Amz-Signature="));
  return parameters
    .map((each) => (each.includes("=") ? each : `${each}=`))
    .sort()
    .join("&");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
