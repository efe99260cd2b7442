import { digestMatches, isDigest } from "@drayage/oci";
import type { ScriptedContent, ScriptedRepository } from "./content.ts";
import { refuse, type ScriptedAnswer, type ScriptedRequest } from "./exchange.ts";

interface UploadRequest {
  readonly name: string;
  readonly request: ScriptedRequest;
}

/** Answers `POST /v2/<name>/blobs/uploads/`: a mount, a blob in one request, or a new session. */
export function answerNewUpload(content: ScriptedContent, { name, request }: UploadRequest): ScriptedAnswer {
  if (request.method !== "POST") return refuse(405, "UNSUPPORTED");
  const { searchParams } = request.url;
  const [mount, digest] = [searchParams.get("mount"), searchParams.get("digest")];
  if (mount !== null) {
    const bytes = content.repositories.get(searchParams.get("from") ?? "")?.blobs.get(mount);
    if (bytes !== undefined) return publish(content.repository(name), { name, digest: mount, bytes });
  }
  if (digest !== null) return publish(content.repository(name), { name, digest, bytes: request.body });
  const id = content.openUpload(name);
  return { status: 202, headers: sessionHeaders(name, id, 0) };
}

/** Answers `/v2/<name>/blobs/uploads/<id>`. */
export function answerUpload(
  content: ScriptedContent,
  { name, id, request }: UploadRequest & { readonly id: string },
): ScriptedAnswer {
  const repository = content.repositories.get(name);
  const received = repository?.uploads.get(id);
  if (repository === undefined || received === undefined) return refuse(404, "BLOB_UPLOAD_UNKNOWN");
  const size = received.byteLength;
  switch (request.method) {
    case "GET":
      return { status: 204, headers: sessionHeaders(name, id, size) };
    case "DELETE":
      repository.uploads.delete(id);
      return { status: 204 };
    case "PATCH":
    case "PUT":
      break;
    default:
      return refuse(405, "UNSUPPORTED");
  }
  if (!continues(request, size))
    return { ...refuse(416, "BLOB_UPLOAD_INVALID"), headers: sessionHeaders(name, id, size) };
  const bytes = Uint8Array.from(Buffer.concat([received, request.body]));
  repository.uploads.set(id, bytes);
  if (request.method === "PATCH") return { status: 202, headers: sessionHeaders(name, id, bytes.byteLength) };
  const answer = publish(repository, { name, digest: request.url.searchParams.get("digest") ?? "", bytes });
  if (answer.status === 201) repository.uploads.delete(id);
  return answer;
}

/** Whether a chunk says that it starts where the last one ended; a stream says nothing, one that is cut ends early. */
function continues({ headers, body }: ScriptedRequest, size: number): boolean {
  const range = headers["content-range"]?.replace(/^bytes /, "");
  if (range === undefined) return true;
  const isCut = body.byteLength < Number(headers["content-length"] ?? 0);
  return isCut ? range.startsWith(`${size}-`) : range === `${size}-${size + body.byteLength - 1}`;
}

function publish(
  { blobs }: ScriptedRepository,
  { name, digest, bytes }: { readonly name: string; readonly digest: string; readonly bytes: Uint8Array },
): ScriptedAnswer {
  if (!isDigest(digest) || !digestMatches(digest, bytes)) return refuse(400, "DIGEST_INVALID");
  blobs.set(digest, bytes);
  return {
    status: 201,
    headers: { location: `/v2/${name}/blobs/${digest}`, "docker-content-digest": digest },
  };
}

/** The spec's `Range` of an upload is that of the bytes received, the last one included; of none it is `0-0`. */
function sessionHeaders(name: string, id: string, size: number): Readonly<Record<string, string>> {
  return {
    location: `/v2/${name}/blobs/uploads/${id}`,
    range: `0-${Math.max(size - 1, 0)}`,
    "docker-upload-uuid": id,
  };
}
