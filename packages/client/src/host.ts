import { parseRegistry, type HttpHeaders, type Quirks } from "@drayage/oci";
import { createPace, type Pace } from "./http/pace.ts";
import { registryUrl } from "./http/url.ts";
import type { HostOptions, Settings } from "./options.ts";
import { profileOf } from "./quirks/index.ts";
import type { Hints } from "./quirks/profile.ts";
import { createTurns, type InTurn } from "./turns.ts";

/** One registry as the client knows it; there is one of each in a client, and what it remembers ends with it. */
export interface Host {
  /** What credentials and budgets know it by: `docker.io`, whichever of its names was used. */
  readonly name: string;
  /** The origin of its API; as the user named it, it is always allowed. */
  readonly url: URL;
  readonly options: HostOptions;
  /** Sent to this origin only. */
  readonly headers: HttpHeaders;
  readonly quirks: Quirks;
  /** What can be done about an error of that code, where more is known than that. */
  readonly hints: Hints;
  /** How fast it is asked. */
  readonly pace: Pace;
  readonly learned: Learned;
}

/** What a registry has shown that it can or cannot do; nothing is there before it was tried. */
export interface Learned {
  /** Whether a mount from a repository to itself tells if the blob is there. */
  selfMount?: boolean;
  /** Whether it lists referrers, so that no index has to be kept under a tag. */
  referrersApi?: boolean;
  /** Whether a tag goes with the manifest that it points to, and nothing else does. */
  throwaway?: boolean;
  /** Whether it takes the tags of a manifest as parameters. */
  tagParameter?: boolean;
  /** How it takes the bytes of a blob, if not in the way that was tried first. */
  upload?: "put" | "patch" | "chunks";
  /** The most bytes of a blob that it may take in one piece; it has refused one more. */
  maxPut?: number;
  /** The most and the least bytes that a chunk may have. */
  maxChunk?: number;
  minChunk?: number | undefined;
  /** When it last failed in place of another registry, by the client's clock. */
  mirrorFailedAt?: number;
  /** For what several callers would change at the same time. */
  readonly inTurn: InTurn;
}

/**
 * The registry that `name` means; plain HTTP for loopback addresses, and where the options say so.
 *
 * @throws OciError REFERENCE_INVALID
 */
export function hostOf(name: string, settings: Settings): Host {
  const { registry, apiHost, scheme } = parseRegistry(name);
  const options = settings.hosts.get(registry) ?? {};
  const { quirks, hints = {} } = profileOf(registry);
  return {
    name: registry,
    url: registryUrl(apiHost, { plainHttp: options.plainHttp ?? scheme === "http" }),
    options,
    headers: options.headers ?? {},
    quirks: { ...quirks, ...options.quirks },
    hints,
    pace: createPace(settings),
    learned: { inTurn: createTurns() },
  };
}

/** The registries of one client. */
export interface Hosts {
  /**
   * The registry of that name, with all that is remembered of it.
   *
   * @throws OciError REFERENCE_INVALID
   */
  of(name: string): Host;
}

export function createHosts(settings: Settings): Hosts {
  const hosts = new Map<string, Host>();
  return {
    of(name) {
      const named = hostOf(name, settings);
      const key = `${named.name} ${named.url.origin}`;
      const host = hosts.get(key) ?? named;
      hosts.set(key, host);
      return host;
    },
  };
}
