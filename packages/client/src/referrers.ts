import {
  headerOf,
  mediaType,
  parseContentType,
  parseDigest,
  type CallOptions,
  type Descriptor,
  type Digest,
} from "@drayage/oci";
import type { Endpoint, Question } from "./endpoint.ts";
import { drain } from "./http/body.ts";
import { readErrors } from "./http/fail.ts";
import type { RegistryResponse } from "./http/message.ts";
import { entries } from "./pages.ts";
import { parseReferrers, readReferrersIndex } from "./referrers-index.ts";

export interface ListReferrersOptions extends CallOptions {
  readonly artifactType?: string | undefined;
}

/** See `ReferrerLister.listReferrers`. */
export async function* listReferrers(
  endpoint: Endpoint,
  subject: Digest,
  { artifactType, signal }: ListReferrersOptions = {},
): AsyncGenerator<Descriptor, void, undefined> {
  const question = questionFor(endpoint, parseDigest(subject), { artifactType, signal });
  const first = await askApi(endpoint, question);
  const all =
    first === undefined
      ? (await readReferrersIndex(endpoint, subject, { signal })).referrers
      : entries(endpoint, { question, first, parse: (body) => ({ items: parseReferrers(body) }) });
  for await (const referrer of all) {
    // Registries may leave the filter to us, and need not say so.
    if (artifactType === undefined || referrer.artifactType === artifactType) yield referrer;
  }
}

/** Whether the registry itself knows what refers to what; asked for once. */
export async function hasReferrersApi(
  endpoint: Endpoint,
  subject: Digest,
  options: CallOptions,
): Promise<boolean> {
  if (endpoint.host.learned.referrersApi === true) return true;
  const response = await askApi(endpoint, questionFor(endpoint, subject, options));
  if (response === undefined) return false;
  await drain(response.body);
  return true;
}

function questionFor(
  { name }: Endpoint,
  subject: Digest,
  { artifactType, signal }: ListReferrersOptions,
): Question {
  const artifactTypes = artifactType === undefined ? undefined : [artifactType];
  return {
    method: "GET",
    to: { kind: "referrers", name, digest: subject, artifactTypes },
    subject: "manifest",
    expect: [200],
    actions: ["pull"],
    headers: { accept: mediaType.ociIndex },
    signal,
  };
}

/** The first page of the registry's own list; nothing if it keeps none. */
async function askApi(endpoint: Endpoint, question: Question): Promise<RegistryResponse | undefined> {
  const { learned } = endpoint.host;
  if (learned.referrersApi === false) return undefined;
  const bodyLimit = endpoint.settings.limits.pageBytes;
  const response = await endpoint.ask({ ...question, bodyLimit, expect: [200, 400, 404, 405, 406] });
  const type = parseContentType(headerOf(response.headers, "content-type"));
  if (response.status === 200 && type === mediaType.ociIndex) {
    learned.referrersApi = true;
    return response;
  }
  // What does not speak of errors as registries do has no such route; others may lack this subject only.
  const { errors } = await readErrors(response);
  const isUnsupported = response.status === 405 || response.status === 406 || errors.length === 0;
  if (isUnsupported) learned.referrersApi = false;
  return undefined;
}
