import {
  createSingleFlight,
  isLoopback,
  OciError,
  ownValue,
  parseJson,
  parseObject,
  readAll,
  type CallOptions,
  type HttpSend,
} from "@drayage/oci";
import { parseKeySet, parsePublicKey, type VerificationKey } from "./key.ts";

/** The keys of somebody who signs tokens. */
export interface KeySet {
  /**
   * The key of that id; without one the only key there is.
   *
   * @throws OciError UNAVAILABLE if that cannot be told now
   */
  find(id: string | undefined, options?: CallOptions): Promise<VerificationKey | undefined>;
}

export interface RemoteKeysOptions {
  /** How to get there, such as the `send` of a client. */
  readonly send: HttpSend;
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/**
 * In milliseconds: how long keys serve without another look, and while their issuer is away; and how long it is not
 * asked again, for an id that it did not know, and after it has failed.
 */
const ages = { usual: 600_000, away: 24 * 3_600_000, unknown: 30_000, failed: 5000 };
const bodyLimit = 512 * 1024;

/**
 * Keys that never change, from the parsed JSON of a key set.
 *
 * @throws OciError RESPONSE_INVALID
 */
export function staticKeys(jwks: unknown): KeySet {
  const entries = parseKeySet(jwks);
  const keys = Promise.all(entries.map(parsePublicKey));
  return { find: async (id) => findKey((await keys).filter(isKey), id) };
}

/**
 * Keys at a URL, asked for when they are needed, and again for ids that are not known; an issuer that is away for
 * less than a day is not missed.
 *
 * @throws OciError OPTION_INVALID unless the URL is https, or http on a loopback address
 */
export function remoteKeys(url: string, options: RemoteKeysOptions): KeySet {
  const source = parseSource(url);
  return createRemoteKeys(() => Promise.resolve(source), options);
}

/**
 * Keys of an OpenID Connect issuer, at the address that it publishes.
 *
 * @throws OciError OPTION_INVALID unless the issuer is an https URL, or http on a loopback address
 * @see https://openid.net/specs/openid-connect-discovery-1_0.html
 */
export function issuerKeys(issuer: string, options: RemoteKeysOptions): KeySet {
  const discovery = `${parseSource(issuer).replace(/\/$/, "")}/.well-known/openid-configuration`;
  return createRemoteKeys(async (call) => {
    const document = parseObject(await fetchJson(discovery, options.send, call)) ?? {};
    // Else anybody whose documents end up here could speak for the issuer.
    if (ownValue(document, "issuer") !== issuer) {
      throw new OciError("RESPONSE_INVALID", `${discovery} is of another issuer`);
    }
    const source = parseSource(ownValue(document, "jwks_uri"));
    if (issuer.startsWith("https:") && !source.startsWith("https:")) {
      throw new OciError("URL_REFUSED", `${discovery} leads from https to http`);
    }
    return source;
  }, options);
}

function createRemoteKeys(
  locate: (options: CallOptions) => Promise<string>,
  { send, now = Date.now }: RemoteKeysOptions,
): KeySet {
  const flight = createSingleFlight<readonly VerificationKey[]>();
  let known: { readonly keys: readonly VerificationKey[]; readonly at: number } | undefined;
  let asked = Number.NEGATIVE_INFINITY;
  let failed = Number.NEGATIVE_INFINITY;

  const load = async (options: CallOptions): Promise<readonly VerificationKey[]> => {
    asked = now();
    const entries = parseKeySet(await fetchJson(await locate(options), send, options));
    const keys = (await Promise.all(entries.map(parsePublicKey))).filter(isKey);
    known = { keys, at: now() };
    return keys;
  };

  return {
    async find(id, { signal } = {}) {
      const found = known && findKey(known.keys, id);
      const age = now() - (known?.at ?? Number.NEGATIVE_INFINITY);
      if (found !== undefined && age < ages.usual) return found;
      // Whoever makes ids up shall not make us ask for each.
      const canWait = known !== undefined && now() - asked < ages.unknown;
      if (canWait && age < ages.away) return found;
      if (now() - failed < ages.failed) throw keysUnavailable();
      try {
        return findKey(await flight("", (shared) => load({ signal: shared }), { signal }), id);
      } catch (cause) {
        signal?.throwIfAborted();
        failed = now();
        if (found !== undefined && age < ages.away) return found;
        throw keysUnavailable(cause);
      }
    },
  };
}

function keysUnavailable(cause?: unknown): OciError {
  return new OciError("UNAVAILABLE", "the keys that tokens are signed with cannot be had", { cause });
}

function findKey(keys: readonly VerificationKey[], id: string | undefined): VerificationKey | undefined {
  if (id === undefined) return keys.length === 1 ? keys[0] : undefined;
  return keys.find((key) => key.id === id);
}

function isKey(key: VerificationKey | undefined): key is VerificationKey {
  return key !== undefined;
}

async function fetchJson(url: string, send: HttpSend, { signal }: CallOptions): Promise<unknown> {
  const request = { method: "GET", url, headers: { accept: "application/json" } } as const;
  const { status, body } = await send(request, { signal });
  const bytes = await readAll(body, { limit: bodyLimit });
  if (status !== 200) throw new OciError("RESPONSE_INVALID", `${url} answered ${status}`, { status });
  return parseJson(bytes, "RESPONSE_INVALID");
}

/** @throws OciError OPTION_INVALID */
function parseSource(url: unknown): string {
  const [, scheme, host = ""] = /^(https?):\/\/([^/?#@\s]+)(?:[/?#]\S*)?$/.exec(String(url)) ?? [];
  const isSafe = scheme === "https" || (scheme === "http" && isLoopback(host));
  if (typeof url === "string" && isSafe) return url;
  throw new OciError("OPTION_INVALID", `keys need an https URL, not "${String(url).slice(0, 200)}"`);
}
