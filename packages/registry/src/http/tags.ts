import {
  formatNextLink,
  formatRoute,
  formatTagPage,
  OciError,
  type ListedManifest,
  type Repository,
  type Route,
  type Tag,
  type TagRecord,
} from "@drayage/oci";
import { headOf, jsonReply, type Call, type Operations, type Reply } from "./exchange.ts";
import { parsePageSize, takePage } from "./page.ts";

type TagsRoute = Extract<Route, { readonly kind: "tags" }>;

/** `GET /v2/<name>/tags/list` */
export function tagsOperations(route: TagsRoute): Operations {
  return {
    GET: { access: ["pull"], answer: (call) => listTags(route, call) },
    HEAD: { access: ["pull"], answer: async (call) => headOf(await listTags(route, call)) },
  };
}

async function listTags({ name, n, last, manifests }: TagsRoute, call: Call): Promise<Reply> {
  const size = parsePageSize(n, call.limits.listEntries);
  const repository = call.repository(name);
  const list = { after: last, pageSize: size + 1, signal: call.signal };
  const records: TagRecord[] = [];
  const tags = manifests === true ? tagsOf(recordsOf(repository, list), records) : repository.listTags(list);
  const { names, next } = await takePage(tags, size);
  const listed = manifests === true ? listedManifests(records.slice(0, names.length)) : undefined;
  const body = formatTagPage({ name, tags: names, manifests: listed });
  if (next === undefined) return jsonReply(200, body);
  return jsonReply(200, body, {
    link: formatNextLink(formatRoute({ kind: "tags", name, n: size, last: next, manifests })),
  });
}

function recordsOf(
  { inventory }: Repository,
  list: NonNullable<Parameters<Repository["listTags"]>[0]>,
): AsyncIterable<TagRecord> {
  if (inventory !== undefined) return inventory.listTagRecords(list);
  throw new OciError("OPTION_INVALID", "tags are not listed with their manifests here");
}

/** The tags of `list`, whose records are kept in `records`. */
async function* tagsOf(
  list: AsyncIterable<TagRecord>,
  records: TagRecord[],
): AsyncGenerator<Tag, void, undefined> {
  for await (const record of list) {
    records.push(record);
    yield record.tag;
  }
}

/** What is known of each manifest, with all of its tags. */
function listedManifests(records: readonly TagRecord[]): readonly ListedManifest[] {
  const byDigest = Map.groupBy(records, ({ digest }) => digest);
  return [...byDigest].map(([digest, tagged]) => ({
    digest,
    tags: tagged.map(({ tag }) => tag),
    mediaType: tagged[0]?.mediaType,
    uploaded: latestOf(tagged),
  }));
}

/** When the last of the tags was set. */
function latestOf(records: readonly TagRecord[]): number | undefined {
  const times = records.flatMap(({ pushed }) => pushed ?? []);
  return times.length === 0 ? undefined : times.reduce((a, b) => Math.max(a, b));
}
