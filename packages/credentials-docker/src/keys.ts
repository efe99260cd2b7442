import { dockerHub, type Resource } from "@drayage/oci";

/** Whether `pattern`, the host of a key, stands for `host`. */
export type MatchHost = (pattern: string, host: string) => boolean;

interface Key {
  readonly host: string;
  /** The repository, or the start of one, that the key is for. */
  readonly path: readonly string[];
}

const { registry: hub, alias, apiHost, loginServer } = dockerHub;

/** How Docker Hub is called in keys, the most specific first; docker writes the first, podman the third. */
const hubKeys: readonly string[] = [loginServer, alias, hub, apiHost];

const hubHosts: ReadonlySet<string> = new Set([alias, apiHost]);

/** Where docker's browser login keeps its own state under names that look like registries. */
const hubStateKeys: ReadonlySet<string> = new Set([
  `${loginServer}access-token`,
  `${loginServer}refresh-token`,
]);

/** The key under which docker and its helpers keep the credential of `registry`. */
export function serverKeyOf(registry: string): string {
  return registry === hub ? loginServer : registry;
}

/** The registry that `key` is for, by its canonical name, or `undefined` if it is no registry's key. */
export function registryOfKey(key: string): string | undefined {
  return parseKey(key)?.host;
}

/**
 * Those of `keys` that are for `resource`, in the order in which they count: the longest path first, then the
 * key that is spelt like the registry itself, then its `https://` and `http://` forms.
 *
 * A path matches segment by segment: `reg/team` is for `reg/team/app`, never for `reg/team-evil`.
 *
 * @see https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md
 */
export function matchingKeys(
  keys: Iterable<string>,
  { registry, repository }: Resource,
  matchHost: MatchHost = (pattern, host) => pattern === host,
): readonly string[] {
  const wanted = repository?.split("/") ?? [];
  const matches = [...keys].flatMap((key) => {
    const parsed = parseKey(key);
    const isMatch =
      parsed !== undefined && matchHost(parsed.host, registry) && startsWith(wanted, parsed.path);
    return isMatch ? [{ key, length: parsed.path.length, rank: rankOf(key, registry) }] : [];
  });
  matches.sort((a, b) => b.length - a.length || a.rank - b.rank || (a.key < b.key ? -1 : 1));
  return matches.map(({ key }) => key);
}

/** Those of `keys` that are for the whole of `registry`, in the order in which they count. */
export function registryKeys(keys: Iterable<string>, registry: string): readonly string[] {
  return matchingKeys(keys, { registry });
}

function startsWith(path: readonly string[], start: readonly string[]): boolean {
  return start.every((segment, index) => segment === path[index]);
}

function rankOf(key: string, registry: string): number {
  const spellings = registry === hub ? hubKeys : [registry, `https://${registry}`, `http://${registry}`];
  const exact = spellings.indexOf(key);
  if (exact !== -1) return exact;
  return spellings.length + (key.startsWith("https:") ? 0 : 1);
}

/** A key is `[http[s]://]host[:port][/path]`, where docker's own `/v1/` and `/v2/` are no path. */
function parseKey(key: string): Key | undefined {
  if (hubStateKeys.has(key)) return undefined;
  const scheme = /^https?:\/\//i.exec(key)?.[0] ?? "";
  const rest = key.slice(scheme.length);
  if (/[\s@?#\\]/.test(rest)) return undefined;
  const [authority = "", ...segments] = rest.split("/");
  const path = withoutApiVersion(segments, scheme !== "");
  if (authority === "" || path.includes("")) return undefined;
  const host = authority.toLowerCase();
  return { host: hubHosts.has(host) ? hub : host, path };
}

/** Without a scheme, `host/v2` may be a namespace of that name; only `host/v2/` cannot. */
function withoutApiVersion(segments: readonly string[], hasScheme: boolean): readonly string[] {
  const isClosed = segments.at(-1) === "";
  const path = isClosed ? segments.slice(0, -1) : segments;
  const isVersion = path.length === 1 && (path[0] === "v1" || path[0] === "v2");
  return isVersion && (isClosed || hasScheme) ? [] : path;
}
