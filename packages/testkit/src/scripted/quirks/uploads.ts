import { refuse, type ScriptedAnswer } from "../exchange.ts";
import { headerIn, withHeaders, type Call, type Deviation } from "./deviation.ts";

/** What a registry with quirks remembers of an upload. */
interface Upload {
  /** The sizes of its chunks. */
  readonly chunks: readonly number[];
  /** How many answers have named its URL. */
  readonly answers: number;
}

/** How uploads differ, for one registry that remembers its uploads. */
export function uploadDeviations(): readonly Deviation[] {
  const uploads = new Map<string, Upload>();
  const uploadOf = (id: string): Upload => uploads.get(id) ?? { chunks: [], answers: 0 };

  return [
    { refuse: (call) => refusedBytes(call) },
    {
      refuse: (call) =>
        call.route.kind === "upload" && isOpen(call)
          ? refusedChunk(call, uploadOf(call.route.last))
          : undefined,
    },
    {
      refuse(call) {
        const { request, route, quirks } = call;
        const { url } = request;
        if (!quirks.uploadState || route.kind !== "upload" || !isOpen(call)) return undefined;
        const isCurrent = url.searchParams.get("_state") === String(uploadOf(route.last).answers);
        return isCurrent ? undefined : refuse(400, "BLOB_UPLOAD_INVALID", "that is not where it goes on");
      },
    },
    {
      tell(answer, { request, route, quirks }) {
        if (route.kind !== "upload" || request.method !== "PATCH" || answer.status !== 202) return answer;
        const upload = uploadOf(route.last);
        uploads.set(route.last, { ...upload, chunks: [...upload.chunks, request.body.byteLength] });
        return { ...answer, status: quirks.chunkStatus };
      },
    },
    {
      tell(answer, { route, quirks }) {
        if (quirks.uploadRange === "received" || route.kind !== "upload") return answer;
        const [first] = uploadOf(route.last).chunks;
        if (first === undefined || headerIn(answer, "range") === undefined) return answer;
        return withHeaders(answer, { range: `0-${first - 1}` });
      },
    },
    {
      tell(answer, { quirks }) {
        const [id, location] = [headerIn(answer, "docker-upload-uuid"), headerIn(answer, "location")];
        if (!quirks.uploadState || id === undefined || location === undefined) return answer;
        const upload = uploadOf(id);
        uploads.set(id, { ...upload, answers: upload.answers + 1 });
        return withHeaders(answer, { location: `${location}?_state=${upload.answers + 1}` });
      },
    },
    {
      tell: (answer, { route, quirks }) =>
        quirks.headerBytes > 0 && route.kind === "uploads"
          ? withHeaders(answer, { "x-filler": "x".repeat(quirks.headerBytes) })
          : answer,
    },
  ];
}

function isOpen({ route, content }: Call): boolean {
  return route.kind === "upload" && content.repositories.get(route.name)?.uploads.has(route.last) === true;
}

/** What is wrong with the bytes of an upload, whatever came before them. */
function refusedBytes({ request, route, content, quirks }: Call): ScriptedAnswer | undefined {
  const { method, headers, body } = request;
  const size = body.byteLength;
  if (route.kind !== "upload" || size === 0) return undefined;
  if (quirks.uploadType && headers["content-type"] !== "application/octet-stream")
    return refuse(415, "UNSUPPORTED");
  if (method !== "PUT") return undefined;
  const received = content.repositories.get(route.name)?.uploads.get(route.last)?.byteLength ?? 0;
  if (quirks.upload === "patch" && received === 0) return refuse(400, "BLOB_UPLOAD_INVALID");
  return size > (quirks.maxPut ?? size) ? refuse(413, "SIZE_INVALID") : undefined;
}

/** What is wrong with a chunk behind those of `upload`. */
function refusedChunk({ request, quirks }: Call, { chunks }: Upload): ScriptedAnswer | undefined {
  if (request.method !== "PATCH") return undefined;
  const { chunks: allowed, minChunk = 0, maxChunk = Number.POSITIVE_INFINITY } = quirks;
  if (request.body.byteLength > maxChunk) return refuse(416, "SIZE_INVALID", "the body is too large");
  const before = chunks.at(-1);
  if (before === undefined) return undefined;
  if (allowed === "one") return refuse(400, "UNSUPPORTED", "chunks are not supported");
  return before < minChunk
    ? refuse(400, "BLOB_UPLOAD_INVALID", "a chunk before the last is too small")
    : undefined;
}
