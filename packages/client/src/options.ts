import type { LookupFunction } from "node:net";
import {
  OciError,
  parseRegistry,
  type Budget,
  type CredentialProvider,
  type HttpHeaders,
  type Quirks,
} from "@drayage/oci";
import type { Dispatcher } from "./http/agent.ts";
import type { AddressContext } from "./http/dial.ts";
import { createProxyChoice, type ProxyFor, type ProxyOptions } from "./http/proxy.ts";
import { untraced, type TraceEvent } from "./http/trace.ts";
import { parseMirror } from "./mirror.ts";
import { requireKnownOptions } from "./option-names.ts";

/** What {@link createClient} takes; everything has a safe default. */
export interface ClientOptions {
  /** Who we are; anonymous by default. */
  readonly credentials?: CredentialProvider | undefined;
  /** What is particular to single registries, by any name that `registry()` takes. */
  readonly hosts?: Readonly<Record<string, HostOptions>> | undefined;
  readonly network?: NetworkOptions | undefined;
  /**
   * Sends everything instead of connections of our own, and stays open when the client closes.
   *
   * With it, what is done about connections is up to whoever made it: the address rule, certificates, proxies, the
   * limit of 64 KiB on headers and the time to connect. So it cannot be given together with `network`, nor with the
   * certificates of `hosts`. Everything else holds: who gets a secret, where redirects lead, digests, limits.
   *
   * @see https://undici.nodejs.org/#/docs/api/Dispatcher
   */
  readonly dispatcher?: Dispatcher | undefined;
  /** What may be asked of each registry, over and above `concurrency`. */
  readonly budget?: Budget | undefined;
  /** How many requests may be under way to one registry at a time; 8, and fewer while it complains. */
  readonly concurrency?: number | undefined;
  readonly retry?: RetryOptions | undefined;
  readonly limits?: LimitOptions | undefined;
  readonly timeouts?: TimeoutOptions | undefined;
  /** How slowly the content of a blob may come. */
  readonly minRate?: MinRateOptions | undefined;
  /** Told of every request, wait, token and warning; secrets are removed before. */
  readonly trace?: ((event: TraceEvent) => void) | undefined;
  /**
   * Token servers that may see the credential of a registry although they are on another site: their hosts by the
   * registry's name, or a function.
   */
  readonly trustedTokenServers?: TrustedTokenServers | undefined;
  readonly userAgent?: string | undefined;
  /** A clock that never goes back, in milliseconds. */
  readonly now?: (() => number) | undefined;
}

/** What is particular to one registry; each of these applies to it and to no other host. */
export interface HostOptions {
  /** Speaks http instead of https; the default for loopback hosts only. */
  readonly plainHttp?: boolean | undefined;
  /** Accepts any certificate. */
  readonly insecure?: boolean | undefined;
  /** Certificates of authorities to trust beside the usual ones, in PEM. */
  readonly ca?: string | readonly string[] | undefined;
  /** Our own certificate and its key, in PEM. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Sent to this origin with every request. */
  readonly headers?: HttpHeaders | undefined;
  /** Sends no upload to anywhere but this origin, wherever the registry would have it. */
  readonly strictUploadHost?: boolean | undefined;
  /**
   * Registries that are asked for manifests and blobs before this one, each as `host` or `host/prefix`, unless the
   * repository was opened for writing. What is particular to them has its own entry, as has their credential.
   */
  readonly mirrors?: readonly string[] | undefined;
  /** How the registry deviates, where that is not known from its name. */
  readonly quirks?: Partial<Quirks> | undefined;
}

export interface NetworkOptions {
  /**
   * Resolves names in place of the system, with the signature of `dns.lookup`.
   *
   * What it answers is dialled even if it is a private address, so that tests can stand in for public hosts.
   */
  readonly lookup?: LookupFunction | undefined;
  /** Certificates of authorities to trust for every host, in PEM. */
  readonly ca?: string | readonly string[] | undefined;
  /** Permits an address that the address rule refuses, such as a token server in a private network. */
  readonly allow?: ((address: string, context: AddressContext) => boolean) | undefined;
  /**
   * Goes through a proxy, by CONNECT; the environment is not looked at unless {@link proxyFromEnvironment} is.
   *
   * The proxy resolves names itself, so that the address rule holds for addresses in URLs only.
   */
  readonly proxy?: ProxyOptions | undefined;
}

export interface RetryOptions {
  /** How often a request is sent at the most; 5. */
  readonly attempts?: number | undefined;
  /** The first pause in milliseconds, doubled each time; 250. */
  readonly minDelay?: number | undefined;
  /** The longest pause in milliseconds; 10,000. */
  readonly maxDelay?: number | undefined;
  /** The longest `Retry-After` that is waited for, in milliseconds; 60,000. */
  readonly maxWait?: number | undefined;
}

export interface LimitOptions {
  /** The largest manifest that is read, in bytes; 4 MiB. */
  readonly manifestBytes?: number | undefined;
  /** The largest page of a list, in bytes; 4 MiB. */
  readonly pageBytes?: number | undefined;
  /** Pages of one list; 10,000. */
  readonly pages?: number | undefined;
  /** Entries of one list; a million. */
  readonly items?: number | undefined;
}

/** All in milliseconds; with 0 there is no end to the wait but that of a `signal`. */
export interface TimeoutOptions {
  /** To connect, TLS included; 10,000. */
  readonly connect?: number | undefined;
  /** From the end of a request to its answer; 30,000, and ten times that behind an upload. */
  readonly headers?: number | undefined;
  /** Without a byte of the body; 30,000. */
  readonly idle?: number | undefined;
}

/**
 * What comes more slowly counts as stuck: a download goes on over another connection, and fails with TIMEOUT when that
 * is no better.
 */
export interface MinRateOptions {
  /** In bytes per second; 1024. With 0 nothing is too slow. */
  readonly bytes?: number | undefined;
  /** The time to average over, in milliseconds; 30,000. Only time in which bytes are waited for counts. */
  readonly window?: number | undefined;
}

export type TrustedTokenServers =
  | Readonly<Record<string, readonly string[]>>
  | ((registry: URL, realm: URL) => boolean);

/** {@link ClientOptions} with every default filled in. */
export interface Settings {
  readonly credentials: CredentialProvider | undefined;
  /** By canonical name. */
  readonly hosts: ReadonlyMap<string, HostOptions>;
  readonly network: NetworkOptions;
  readonly proxyFor: ProxyFor;
  readonly dispatcher: Dispatcher | undefined;
  readonly budget: Budget | undefined;
  readonly concurrency: number;
  readonly retry: Filled<RetryOptions>;
  readonly limits: Filled<LimitOptions>;
  readonly timeouts: Filled<TimeoutOptions>;
  readonly minRate: Filled<MinRateOptions>;
  readonly trace: (event: TraceEvent) => void;
  readonly trustedTokenServers: TrustedTokenServers;
  readonly userAgent: string;
  readonly now: () => number;
}

export type Filled<Options> = { readonly [Key in keyof Options]-?: Exclude<Options[Key], undefined> };

const mebibyte = 1024 * 1024;

/**
 * `options` with the defaults that their documentation names.
 *
 * @throws OciError OPTION_INVALID, REFERENCE_INVALID, NAME_INVALID
 */
export function settingsOf(options: ClientOptions): Settings {
  requireKnownOptions(options);
  const settings = filled(options);
  const { concurrency, hosts, retry, limits, timeouts, minRate } = settings;
  const { attempts, ...pauses } = retry;
  checkNumbers({ concurrency, attempts }, { least: 1 });
  checkNumbers({ ...pauses, ...limits, ...timeouts, ...minRate }, { least: 0 });
  for (const { mirrors = [] } of hosts.values()) mirrors.forEach(parseMirror);
  if (options.dispatcher !== undefined) checkConnections(options);
  return settings;
}

function filled(options: ClientOptions): Settings {
  const { retry = {}, limits = {}, timeouts = {}, minRate = {} } = options;
  return {
    credentials: options.credentials,
    hosts: new Map(canonical(options.hosts ?? {})),
    network: options.network ?? {},
    proxyFor: createProxyChoice(options.network?.proxy),
    dispatcher: options.dispatcher,
    budget: options.budget,
    concurrency: options.concurrency ?? 8,
    retry: {
      attempts: retry.attempts ?? 5,
      minDelay: retry.minDelay ?? 250,
      maxDelay: retry.maxDelay ?? 10_000,
      maxWait: retry.maxWait ?? 60_000,
    },
    limits: {
      manifestBytes: limits.manifestBytes ?? 4 * mebibyte,
      pageBytes: limits.pageBytes ?? 4 * mebibyte,
      pages: limits.pages ?? 10_000,
      items: limits.items ?? 1_000_000,
    },
    timeouts: {
      connect: timeouts.connect ?? 10_000,
      headers: timeouts.headers ?? 30_000,
      idle: timeouts.idle ?? 30_000,
    },
    minRate: {
      bytes: minRate.bytes ?? 1024,
      window: minRate.window ?? 30_000,
    },
    trace: options.trace ?? untraced,
    trustedTokenServers: canonicalServers(options.trustedTokenServers ?? {}),
    userAgent: options.userAgent ?? "drayage",
    now: options.now ?? (() => performance.now()),
  };
}

/** Refuses what no request could pass, and what is no number, which no limit would hold. */
function checkNumbers(
  numbers: Readonly<Record<string, number>>,
  { least }: { readonly least: number },
): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (!(value >= least)) throw new OciError("OPTION_INVALID", `${name} is ${value}, not ${least} or more`);
  }
}

/** Refuses what a foreign dispatcher would not be held to. */
function checkConnections({ network, hosts = {} }: ClientOptions): void {
  const isConcerned = ({ insecure, ca, cert, key }: HostOptions): boolean =>
    [insecure, ca, cert, key].some((option) => option !== undefined);
  if (network === undefined && !Object.values(hosts).some(isConcerned)) return;
  throw new OciError(
    "OPTION_INVALID",
    "connections are up to the dispatcher, not to network and certificates",
    {
      hint: "set them where the dispatcher is made",
    },
  );
}

function canonicalServers(servers: TrustedTokenServers): TrustedTokenServers {
  return typeof servers === "function" ? servers : Object.fromEntries(canonical(servers));
}

/** What is particular to registries, by the names under which it is looked for. */
function canonical<Value>(byName: Readonly<Record<string, Value>>): [string, Value][] {
  return Object.entries(byName).map(([name, value]) => [parseRegistry(name).registry, value]);
}
