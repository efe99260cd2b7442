import { isDigest } from "@drayage/oci";
import type { ScriptedContent } from "./content.ts";
import { refuse, type ScriptedAnswer, type ScriptedRequest } from "./exchange.ts";

/** Answers `/v2/<name>/blobs/<digest>`. */
export function answerBlob(
  content: ScriptedContent,
  {
    name,
    digest,
    request,
  }: { readonly name: string; readonly digest: string; readonly request: ScriptedRequest },
): ScriptedAnswer {
  if (!isDigest(digest)) return refuse(400, "DIGEST_INVALID");
  const blobs = content.repositories.get(name)?.blobs;
  const bytes = blobs?.get(digest);
  if (bytes === undefined) return refuse(404, "BLOB_UNKNOWN");
  if (request.method === "DELETE") {
    blobs?.delete(digest);
    return { status: 202 };
  }
  if (request.method !== "GET" && request.method !== "HEAD") return refuse(405, "UNSUPPORTED");
  return serveBytes(bytes, request, {
    "content-type": "application/octet-stream",
    "docker-content-digest": digest,
    etag: `"${digest}"`,
  });
}

/** All of `bytes`, or the single range that is asked for (RFC 9110 §14). */
export function serveBytes(
  bytes: Uint8Array,
  { headers: { range } }: ScriptedRequest,
  headers: Readonly<Record<string, string>>,
): ScriptedAnswer {
  const common = { ...headers, "accept-ranges": "bytes" };
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(range ?? "") ?? [];
  if (from === "" && to === "") return { status: 200, headers: common, body: bytes };
  const size = bytes.byteLength;
  const start = from === "" ? Math.max(size - Number(to), 0) : Number(from);
  const end = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (start > end) return { ...refuse(416, "SIZE_INVALID"), headers: { "content-range": `bytes */${size}` } };
  return {
    status: 206,
    headers: { ...common, "content-range": `bytes ${start}-${end}/${size}` },
    body: bytes.subarray(start, end + 1),
  };
}
