import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { headerOf, S3Refusal, type S3Request } from "./exchange.ts";

const prefix = "x-amz-checksum-";

/** How the checksums are computed that the emulator knows. */
const checksums: Readonly<Record<string, (content: Uint8Array) => Buffer>> = {
  crc32(content) {
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(content));
    return sum;
  },
  sha1: (content) => createHash("sha1").update(content).digest(),
  sha256: (content) => createHash("sha256").update(content).digest(),
};

export interface Payload {
  readonly content: Uint8Array;
  /** The checksums that came with it, which are right: header to value. */
  readonly checksums: Readonly<Record<string, string>>;
}

/**
 * What the body of a request stands for, out of its framing and held against every checksum that came with it.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
export function payloadOf(request: S3Request): Payload {
  const declared = headerOf(request, "x-amz-content-sha256") ?? "UNSIGNED-PAYLOAD";
  const isFramed = declared.startsWith("STREAMING-");
  if (isFramed && declared !== "STREAMING-UNSIGNED-PAYLOAD-TRAILER") {
    throw new S3Refusal(501, "NotImplemented");
  }
  const { content, trailers } = isFramed
    ? unframe(request)
    : { content: request.body, trailers: new Map<string, string>() };
  if (!isFramed && declared !== "UNSIGNED-PAYLOAD" && declared !== hexOf(content)) {
    throw new S3Refusal(400, "XAmzContentSHA256Mismatch");
  }
  requireMd5(request, content);
  return { content, checksums: checkedSums(request, content, trailers) };
}

function hexOf(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function requireMd5(request: S3Request, content: Uint8Array): void {
  const given = headerOf(request, "content-md5");
  if (given !== undefined && given !== createHash("md5").update(content).digest("base64")) {
    throw new S3Refusal(400, "BadDigest");
  }
}

function checkedSums(
  { headers }: S3Request,
  content: Uint8Array,
  trailers: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const given = [...Object.entries(headers), ...trailers].filter(
    ([name]) => name.startsWith(prefix) && !["algorithm", "mode", "type"].includes(name.slice(prefix.length)),
  );
  return Object.fromEntries(
    given.map(([name, value]) => {
      const compute = checksums[name.slice(prefix.length)];
      if (compute === undefined) throw new S3Refusal(501, "NotImplemented");
      const actual = compute(content).toString("base64");
      if (actual !== value) throw new S3Refusal(400, "BadDigest");
      return [name, actual];
    }),
  );
}

/** Chunks of `<hex size>\r\n<bytes>\r\n`, an empty one, and trailers. */
function unframe(request: S3Request): {
  readonly content: Uint8Array;
  readonly trailers: ReadonlyMap<string, string>;
} {
  const body = Buffer.from(request.body);
  const chunks: Buffer[] = [];
  let position = 0;
  const nextLine = (): string => {
    const end = body.indexOf("\r\n", position);
    if (end < 0) throw new S3Refusal(400, "IncompleteBody");
    const line = body.toString("latin1", position, end);
    position = end + 2;
    return line;
  };
  for (;;) {
    const size = Number.parseInt(nextLine(), 16);
    if (!(size >= 0) || position + size > body.byteLength) throw new S3Refusal(400, "IncompleteBody");
    if (size === 0) break;
    chunks.push(body.subarray(position, position + size));
    position += size;
    if (nextLine() !== "") throw new S3Refusal(400, "IncompleteBody");
  }
  const content = Buffer.concat(chunks);
  if (Number(headerOf(request, "x-amz-decoded-content-length")) !== content.byteLength) {
    throw new S3Refusal(400, "IncompleteBody");
  }
  return { content, trailers: trailersOf(request, nextLine) };
}

function trailersOf(request: S3Request, nextLine: () => string): ReadonlyMap<string, string> {
  const trailers = new Map<string, string>();
  for (let line = nextLine(); line !== ""; line = nextLine()) {
    const [name = "", value = ""] = line.split(/:(.*)/s);
    trailers.set(name.toLowerCase(), value.trim());
  }
  const announced = headerOf(request, "x-amz-trailer");
  if (announced !== undefined && !trailers.has(announced)) throw new S3Refusal(400, "MalformedTrailerError");
  return trailers;
}
