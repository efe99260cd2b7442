/** The names that Container Registry had and Artifact Registry now answers; `mirror.gcr.io` is public and wants nothing. */
const containerRegistry: ReadonlySet<string> = new Set([
  "gcr.io",
  "us.gcr.io",
  "eu.gcr.io",
  "asia.gcr.io",
  "marketplace.gcr.io",
]);

const artifactRegistry: readonly RegExp[] = [
  // a multi-region such as `europe`, or a region such as `europe-west4`
  /^[a-z]{2,16}(?:-[a-z]{2,16}\d{1,2})?-docker\.pkg\.dev$/,
  // regional endpoints
  /^docker\.[a-z]{2,16}-[a-z]{2,16}\d{1,2}\.rep\.pkg\.dev$/,
];

/**
 * Whether `registry` is a name of Artifact Registry or of Container Registry.
 *
 * @see https://cloud.google.com/artifact-registry/docs/repositories/repo-locations
 */
export function isGoogleHost(registry: string): boolean {
  return containerRegistry.has(registry) || artifactRegistry.some((grammar) => grammar.test(registry));
}
