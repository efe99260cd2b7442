import { challengeFor, type Guard } from "./authorize.ts";
import { answerBlob, serveBytes } from "./blobs.ts";
import type { ScriptedContent } from "./content.ts";
import { refuse, type ScriptedAnswer, type ScriptedRequest } from "./exchange.ts";
import { answerCatalog, answerReferrers, answerTags } from "./lists.ts";
import { answerManifest, type ScriptedFeatures } from "./manifests.ts";
import { withRequest, type Deviation } from "./quirks/deviation.ts";
import type { Route } from "./route.ts";
import { answerNewUpload, answerUpload } from "./uploads.ts";

/** What answers are made of. */
export interface AnswerParts {
  readonly content: ScriptedContent;
  readonly features: ScriptedFeatures;
  readonly guard: Guard;
  readonly deviations: Required<Deviation>;
  /** The registry's own origin, and that of its object store. */
  readonly self: string;
  readonly storage: string;
}

/** What the registry, the token server or the object store behind them answers to a request. */
export function answerTo(parts: AnswerParts, request: ScriptedRequest): ScriptedAnswer {
  const { content, guard, deviations, self, storage } = parts;
  const { quirks } = guard;
  const call = withRequest({ request, route: { kind: "unknown" }, content, quirks, self, storage }, request);
  const heard = withRequest(call, deviations.hear(call));
  const answer =
    challengeFor(guard, heard.request, heard.route) ??
    deviations.refuse(heard) ??
    ownAnswer(parts, heard.request, heard.route);
  return deviations.tell(answer, heard);
}

function ownAnswer(
  { content, features, guard }: AnswerParts,
  request: ScriptedRequest,
  route: Route,
): ScriptedAnswer {
  const { url } = request;
  if (url.pathname === "/token") return guard.tokens.answer(request);
  if (url.pathname.startsWith("/storage/")) return answerStorage(content, request);
  switch (route.kind) {
    case "base":
      return { status: 200, headers: { "content-type": "application/json" }, body: "{}" };
    case "catalog":
      return answerCatalog(content, url);
    case "tags":
      return answerTags(content, { name: route.name, url });
    case "referrers":
      return answerReferrers(content, { name: route.name, digest: route.last, url });
    case "manifest":
      return answerManifest(content, { name: route.name, at: route.last, request, features });
    case "blob":
      return answerBlob(content, { name: route.name, digest: route.last, request });
    case "uploads":
      return answerNewUpload(content, { name: route.name, request });
    case "upload":
      return answerUpload(content, { name: route.name, id: route.last, request });
    case "unknown":
      return refuse(404, "UNSUPPORTED");
  }
}

/** As object stores do, it refuses a request that carries credentials beside its signed address. */
function answerStorage(content: ScriptedContent, request: ScriptedRequest): ScriptedAnswer {
  if (request.headers["authorization"] !== undefined) return { status: 400, body: "only one of both" };
  const [name, digest] = splitLast(request.url.pathname.slice("/storage/".length));
  const bytes = content.repositories.get(name)?.blobs.get(digest);
  return bytes === undefined ? { status: 404 } : serveBytes(bytes, request, {});
}

function splitLast(path: string): readonly [string, string] {
  const slash = path.lastIndexOf("/");
  return [path.slice(0, slash), path.slice(slash + 1)];
}
