import {
  algorithmOf,
  digestMatches,
  formatEntityTag,
  headerOf,
  isDigest,
  isOciError,
  OciError,
  parseAt,
  parseTag,
  type At,
  type HttpHeaders,
  type ManifestDocument,
  type PutManifestOptions,
  type Route,
  type Tag,
} from "@drayage/oci";
import type { Endpoint } from "./endpoint.ts";

/** As many tags as every registry must take that takes them as parameters. */
const tagsAtOnce = 10;

/**
 * Sends a manifest under its tags, or under its digest if there are none, and resolves to the headers of all answers.
 *
 * A tag in the path is what every registry understands, and computes sha256 for. Several tags go into one request
 * where the registry is known to take them as parameters, or may turn out to.
 *
 * @throws OciError UNSUPPORTED if tags have to be parameters and the registry does not take them
 * @see https://github.com/opencontainers/distribution-spec/pull/600
 */
export async function putAt(
  endpoint: Endpoint,
  document: ManifestDocument,
  options: PutManifestOptions,
): Promise<readonly HttpHeaders[]> {
  const { digest } = document.descriptor;
  const tags = (options.tags ?? []).map(parseTag);
  const put = (to: Route) => putTo(endpoint, document, { ...options, to });
  if (tags.length === 0) return [await put(manifestRoute(endpoint, digest))];
  const answers: HttpHeaders[] = [];
  let rest: readonly Tag[] = tags;
  while (rest.length > 0 && takesParameters(endpoint, { document, tags: rest, options })) {
    const some = rest.slice(0, tagsAtOnce);
    const headers = await put({ kind: "manifest", name: endpoint.name, reference: digest, tags: some });
    answers.push(headers);
    const missing = tagsMissing(some, headers);
    endpoint.host.learned.tagParameter = missing.length === 0;
    rest = [...missing, ...rest.slice(tagsAtOnce)];
  }
  if (rest.length > 0 && algorithmOf(digest) !== "sha256") {
    throw new OciError("UNSUPPORTED", `${endpoint.host.name} does not tag manifests by sha512`);
  }
  for (const tag of rest) answers.push(await put(manifestRoute(endpoint, tag)));
  return answers;
}

export function manifestRoute({ name }: Endpoint, at: At): Route {
  return { kind: "manifest", name, reference: parseAt(at) };
}

export function conditionsOf({
  ifMatch,
  ifNoneMatch,
}: Pick<PutManifestOptions, "ifMatch" | "ifNoneMatch">): HttpHeaders {
  return {
    ...(ifMatch === undefined ? {} : { "if-match": formatEntityTag(ifMatch) }),
    ...(ifNoneMatch === undefined ? {} : { "if-none-match": ifNoneMatch }),
  };
}

interface Tagging {
  readonly document: ManifestDocument;
  readonly tags: readonly Tag[];
  readonly options: PutManifestOptions;
}

/** A condition on a digest would mean something else to a registry that does not see the tags. */
function takesParameters({ host }: Endpoint, { document, tags, options }: Tagging): boolean {
  const { tagParameter } = host.learned;
  const isConditional = options.ifMatch !== undefined || options.ifNoneMatch !== undefined;
  if (algorithmOf(document.descriptor.digest) !== "sha256") return tagParameter !== false;
  return tags.length > 1 && (tagParameter ?? !isConditional);
}

function tagsMissing(tags: readonly Tag[], headers: HttpHeaders): readonly Tag[] {
  const said = [headers["oci-tag"] ?? []].flat().flatMap((value) => value.split(","));
  const set = new Set(said.map((tag) => tag.trim()));
  return tags.filter((tag) => !set.has(tag));
}

interface Put extends PutManifestOptions {
  readonly to: Route;
}

async function putTo(
  endpoint: Endpoint,
  { bytes, descriptor }: ManifestDocument,
  { to, signal, ...conditions }: Put,
): Promise<HttpHeaders> {
  const send = () =>
    endpoint.tell({
      method: "PUT",
      to,
      subject: "manifest",
      expect: [200, 201, 202],
      actions: ["pull", "push"],
      headers: { "content-type": descriptor.mediaType, ...conditionsOf(conditions) },
      body: bytes,
      signal,
    });
  const { headers } = await onceMore(descriptor, send);
  const said = headerOf(headers, "docker-content-digest");
  if (said === undefined || !isDigest(said) || digestMatches(said, bytes)) return headers;
  throw new OciError("DIGEST_MISMATCH", `the registry has stored the manifest as ${said}`);
}

/** docker-registry 2.8 finds the digest of a manifest wrong, which it is not, while others push the same one. */
async function onceMore<Answer>(
  { digest }: ManifestDocument["descriptor"],
  send: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await send();
  } catch (error) {
    if (!isOciError(error, "DIGEST_INVALID") || algorithmOf(digest) !== "sha256") throw error;
    return send();
  }
}
