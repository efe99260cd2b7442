import { isDigest, mediaType } from "@drayage/oci";
import type { ScriptedContent } from "./content.ts";
import { jsonAnswer, refuse, type ScriptedAnswer } from "./exchange.ts";
import { digestIn, isObject } from "./manifests.ts";

/** Answers `/v2/<name>/tags/list`, by pages that are chained with `Link`. */
export function answerTags(
  content: ScriptedContent,
  { name, url }: { readonly name: string; readonly url: URL },
): ScriptedAnswer {
  const repository = content.repositories.get(name);
  if (repository === undefined) return refuse(404, "NAME_UNKNOWN");
  const { entries, headers } = pageOf([...repository.tags.keys()], url);
  const answer = jsonAnswer({ name, tags: entries });
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

/** Answers `/v2/_catalog`, by pages that are chained with `Link`. */
export function answerCatalog(content: ScriptedContent, url: URL): ScriptedAnswer {
  const { entries, headers } = pageOf([...content.repositories.keys()], url);
  const answer = jsonAnswer({ repositories: entries });
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

/** Answers `/v2/<name>/referrers/<digest>` with an index; what nothing refers to has an empty one. */
export function answerReferrers(
  content: ScriptedContent,
  { name, digest, url }: { readonly name: string; readonly digest: string; readonly url: URL },
): ScriptedAnswer {
  if (!isDigest(digest)) return refuse(400, "DIGEST_INVALID");
  const wanted = url.searchParams.get("artifactType");
  const manifests = referrersOf(content, name, digest).filter(
    ({ artifactType }) => wanted === null || artifactType === wanted,
  );
  const answer = jsonAnswer({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests });
  const filtered = wanted === null ? {} : { "oci-filters-applied": "artifactType" };
  return { ...answer, headers: { "content-type": mediaType.ociIndex, ...filtered } };
}

function referrersOf(content: ScriptedContent, name: string, subject: string) {
  const stored = [...(content.repositories.get(name)?.manifests ?? [])];
  return stored.flatMap(([digest, { type, bytes }]) => {
    const manifest: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (!isObject(manifest) || digestIn(manifest["subject"]) !== subject) return [];
    const { artifactType, config, annotations } = manifest;
    const configType = isObject(config) ? config["mediaType"] : undefined;
    return [
      {
        mediaType: type,
        digest,
        size: bytes.byteLength,
        artifactType: artifactType ?? configType,
        annotations,
      },
    ];
  });
}

function pageOf(names: readonly string[], url: URL) {
  const [last, limit] = [url.searchParams.get("last") ?? "", Number(url.searchParams.get("n") ?? Number.NaN)];
  const rest = names.filter((name) => name > last).toSorted((a, b) => (a < b ? -1 : 1));
  const entries = Number.isNaN(limit) ? rest : rest.slice(0, limit);
  if (entries.length === rest.length) return { entries, headers: {} };
  const query = new URLSearchParams({ n: String(limit), last: entries.at(-1) ?? last });
  return { entries, headers: { link: `<${url.pathname}?${query.toString()}>; rel="next"` } };
}
