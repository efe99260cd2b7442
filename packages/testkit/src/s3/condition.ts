import type { S3Object, S3Traits } from "./bucket.ts";
import { headerOf, S3Refusal, type S3Request } from "./exchange.ts";

/**
 * Throws if a write is to happen only under a condition that does not hold.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
 */
export function requireWritable(
  request: S3Request,
  found: S3Object | undefined,
  support: S3Traits["conditionalPut"],
): void {
  const ifMatch = headerOf(request, "if-match");
  const ifNoneMatch = headerOf(request, "if-none-match");
  if (ifMatch === undefined && ifNoneMatch === undefined) return;
  if (support === "refused") throw new S3Refusal(501, "NotImplemented");
  if (support === "ignored") return;
  if (ifNoneMatch !== undefined && ifNoneMatch !== "*") throw new S3Refusal(501, "NotImplemented");
  if (ifNoneMatch === "*" && found !== undefined) throw new S3Refusal(412, "PreconditionFailed");
  if (ifMatch === undefined) return;
  if (found === undefined) throw new S3Refusal(404, "NoSuchKey");
  if (!matches(ifMatch, found)) throw new S3Refusal(412, "PreconditionFailed");
}

/** Throws if a read is not to be answered with the object. */
export function requireReadable(request: S3Request, found: S3Object): void {
  const ifMatch = headerOf(request, "if-match");
  if (ifMatch !== undefined && !matches(ifMatch, found)) throw new S3Refusal(412, "PreconditionFailed");
  const ifNoneMatch = headerOf(request, "if-none-match");
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, found)) throw new S3Refusal(304, "NotModified");
}

function matches(condition: string, { etag }: S3Object): boolean {
  const quoted = condition.startsWith('"') ? condition : `"${condition}"`;
  return condition === "*" || quoted === etag;
}
