import {
  formatNextLink,
  formatRoute,
  mediaType,
  parseDigest,
  type Descriptor,
  type Digest,
  type ReferrersRoute,
} from "@drayage/oci";
import { headOf, jsonReply, type Call, type Operations, type Reply } from "./exchange.ts";

/** `GET /v2/<name>/referrers/<digest>` */
export function referrersOperations(route: ReferrersRoute): Operations {
  return {
    GET: { access: ["pull"], answer: (call) => listReferrers(route, call) },
    HEAD: { access: ["pull"], answer: async (call) => headOf(await listReferrers(route, call)) },
  };
}

async function listReferrers(route: ReferrersRoute, call: Call): Promise<Reply> {
  const { name, artifactTypes } = route;
  const subject = parseDigest(route.digest);
  const { entries, next } = await takeReferrers(listed(subject, route, call), {
    last: route.last,
    limit: call.limits.referrerBytes,
  });
  const body = `{"schemaVersion":2,"mediaType":"${mediaType.ociIndex}","manifests":[${entries.join(",")}]}`;
  return jsonReply(200, body, {
    "content-type": mediaType.ociIndex,
    ...(artifactTypes === undefined ? {} : { "oci-filters-applied": "artifactType" }),
    ...(next === undefined
      ? {}
      : {
          link: formatNextLink(
            formatRoute({ kind: "referrers", name, digest: subject, artifactTypes, last: next }),
          ),
        }),
  });
}

/** The referrers of any of the types that are asked for. */
async function* listed(
  subject: Digest,
  { name, artifactTypes }: ReferrersRoute,
  call: Call,
): AsyncGenerator<Descriptor, void, undefined> {
  const artifactType = artifactTypes?.length === 1 ? artifactTypes[0] : undefined;
  const list = call.repository(name).listReferrers(subject, { artifactType, signal: call.signal });
  for await (const referrer of list) {
    const isWanted = artifactTypes?.includes(referrer.artifactType ?? "") !== false;
    if (isWanted) yield referrer;
  }
}

/** As JSON, what fits into `limit` bytes behind `last`; one entry at least, however large. */
async function takeReferrers(
  list: AsyncIterable<Descriptor>,
  { last, limit }: { readonly last: string | undefined; readonly limit: number },
): Promise<{ readonly entries: readonly string[]; readonly next: Digest | undefined }> {
  const entries: string[] = [];
  let size = 0;
  let previous: Digest | undefined;
  for await (const referrer of list) {
    if (last !== undefined && referrer.digest <= last) continue;
    const entry = JSON.stringify(referrer);
    size += Buffer.byteLength(entry);
    if (previous !== undefined && size > limit) return { entries, next: previous };
    entries.push(entry);
    previous = referrer.digest;
  }
  return { entries, next: undefined };
}
