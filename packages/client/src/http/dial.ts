import { lookup as systemLookup, type LookupAddress } from "node:dns";
import { isIP, type LookupFunction, type Socket } from "node:net";
import { getCACertificates } from "node:tls";
import { callbackify } from "node:util";
import { OciError } from "@drayage/oci";
import { buildConnector } from "undici";
import type { Host } from "../host.ts";
import type { NetworkOptions } from "../options.ts";
import { classOf, type AddressClass } from "./address.ts";
import type { ProxyFor } from "./proxy.ts";
import type { openTunnel } from "./tunnel.ts";
import { portOf } from "./url.ts";

/** For whom an address is about to be dialled. */
export interface AddressContext {
  /** The name that led to it, or the address itself. */
  readonly hostname: string;
  /** The registry on whose behalf. */
  readonly registry: string;
}

export interface DialOptions {
  readonly network: NetworkOptions;
  /** In milliseconds, TLS included. */
  readonly timeout: number;
  readonly proxyFor?: ProxyFor | undefined;
  /** Ends every connection, those too that are only about to be made. */
  readonly signal?: AbortSignal | undefined;
  /** Resolves names where the user does not. */
  readonly resolve?: LookupFunction | undefined;
}

/** Makes connectors that dial for one registry. */
export type Dial = (options: { readonly allowH2: boolean }) => buildConnector.connector;

/** Loaded when there is a proxy: it takes node:http, whose import costs a tenth of the start of a command. */
const tunnel = callbackify(async (...args: Parameters<typeof openTunnel>) =>
  (await import("./tunnel.ts")).openTunnel(...args),
);

/** From the address that anybody may know to the one that reaches deepest. */
const depth: Readonly<Record<AddressClass, number>> = { public: 0, private: 1, loopback: 2, never: 3 };

/**
 * Connectors for what is asked on behalf of `host`.
 *
 * The registry that the user named is always dialled. It sets how deep its answers may lead: a public registry to
 * public addresses only, a private one not to this machine, and none to where clouds hand out credentials. Every
 * address of a name is checked, and a checked one is dialled, so that a name cannot change in between. Names behind a
 * proxy are the proxy's to resolve: of those only addresses that stand in a URL are checked.
 */
export function createDial(host: Host, options: DialOptions): Dial {
  const { network, timeout, proxyFor, signal } = options;
  const rule = createAddressRule(host, network);
  const lookup = guardedLookup(rule, options);
  const toProxy = buildConnector({
    allowH2: false,
    timeout,
    signal,
    lookup: network.lookup,
    ...authorities(network.ca),
  });
  return ({ allowH2 }) => {
    const common = { allowH2, timeout, signal, lookup };
    const toHost = buildConnector({ ...common, ...tlsOptions(host, network) });
    const elsewhere = buildConnector({ ...common, ...authorities(network.ca) });
    return (target, callback) => {
      const connect = rule.isHost(target.hostname, target.port) ? toHost : elsewhere;
      const refusal = isIP(target.hostname) === 0 ? undefined : rule.refusal(target.hostname, target);
      const proxy = refusal === undefined ? proxyFor?.(target) : undefined;
      if (refusal !== undefined) process.nextTick(callback, refusal, null);
      else if (proxy === undefined) connect(target, callback);
      else tunnel(target, { proxy, connect: toProxy, timeout }, goOn(target, { connect, callback }));
    };
  };
}

interface Continuation {
  readonly connect: buildConnector.connector;
  readonly callback: buildConnector.Callback;
}

/** Goes on at the other end of a tunnel: with TLS, or as it is. */
function goOn(target: buildConnector.Options, { connect, callback }: Continuation) {
  return (error: Error | null, httpSocket: Socket): void => {
    if (error !== null) callback(error, null);
    else if (target.protocol === "https:") connect({ ...target, httpSocket }, callback);
    else callback(null, httpSocket);
  };
}

interface AddressRule {
  isHost(hostname: string, port: string): boolean;
  /** Why `address` must not be dialled for the target, if so. */
  refusal(address: string, target: { readonly hostname: string }): OciError | undefined;
}

function createAddressRule(host: Host, network: NetworkOptions): AddressRule {
  const home = host.url.hostname.replace(/^\[|\]$/g, "");
  // A name that the user resolves stands for whatever it would be elsewhere, so for a public host.
  let reach = isIP(home) === 0 ? undefined : depthOfHost(home);
  const isExempt = (hostname: string) => network.lookup !== undefined && isIP(hostname) === 0;

  return {
    isHost: (hostname, port) => hostname === home && (port || portOf(host.url)) === portOf(host.url),
    refusal(address, { hostname }) {
      if (hostname === home) {
        if (!isExempt(hostname)) reach = Math.min(reach ?? Infinity, depthOfHost(address));
        return undefined;
      }
      const kind = classOf(address);
      const isNear = isExempt(hostname) ? kind !== "never" : depth[kind] <= (reach ?? depth.public);
      const context = { hostname, registry: host.name };
      const isAllowed = isNear || (kind !== "never" && network.allow?.(address, context) === true);
      return isAllowed ? undefined : refused(address, kind, context);
    },
  };
}

/** How deep a registry leads that was itself dialled at `address`. */
function depthOfHost(address: string): number {
  const kind = classOf(address);
  return kind === "never" ? depth.public : depth[kind];
}

function guardedLookup(rule: AddressRule, { network, resolve }: DialOptions): LookupFunction {
  const lookup = network.lookup ?? resolve ?? systemLookup;
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const addresses = error === null || error === undefined ? addressesOf(found) : [];
      const first = addresses[0];
      const problem = error ?? refusalOf(rule, hostname, addresses);
      if (problem !== undefined || first === undefined) callback(problem ?? nothingFound(hostname), []);
      else if (options.all === true) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    });
  };
}

function refusalOf(
  rule: AddressRule,
  hostname: string,
  addresses: readonly LookupAddress[],
): OciError | undefined {
  for (const { address } of addresses) {
    const refusal = rule.refusal(address, { hostname });
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** A lookup may answer with one address although all were asked for. */
function addressesOf(found: string | readonly LookupAddress[]): readonly LookupAddress[] {
  const list = typeof found === "string" ? [{ address: found, family: isIP(found) }] : found;
  return list.filter(({ address }) => isIP(address) !== 0);
}

/** Certificates and verification of one registry, which no other host gets to see (CVE-2019-10214). */
function tlsOptions({ options }: Host, network: NetworkOptions): buildConnector.BuildOptions {
  const { insecure, ca, cert, key } = options;
  return {
    ...authorities(network.ca, ca),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(insecure === true ? { rejectUnauthorized: false } : {}),
  };
}

/** `ca` replaces what Node trusts by itself, so that has to be named too. */
function authorities(...extra: readonly (string | readonly string[] | undefined)[]): { ca?: string[] } {
  const certificates = extra.flatMap((entry) => entry ?? []);
  return certificates.length === 0 ? {} : { ca: [...getCACertificates("default"), ...certificates] };
}

function refused(address: string, kind: AddressClass, { hostname, registry }: AddressContext): OciError {
  const at = hostname === address ? address : `${hostname} at ${address}`;
  const nature = kind === "never" ? "reserved" : kind;
  return new OciError("ADDRESS_REFUSED", `${registry} leads to ${at}, a ${nature} address`, {
    hint: kind === "never" ? undefined : "network.allow can permit it",
  });
}

function nothingFound(hostname: string): OciError {
  return new OciError("CONNECTION_FAILED", `no address found for ${hostname}`);
}
