import { isLoopback } from "@drayage/oci";
import type { Host } from "../host.ts";
import { portOf } from "../http/url.ts";
import type { TrustedTokenServers } from "../options.ts";
import { sharedDomains } from "../quirks/shared-domains.ts";

/**
 * Whether what is private to the origin of `home` may be sent to `target`: the same scheme, host and port, or the
 * https of the same host where `home` is http on the usual port or the same.
 */
export function mayReceiveSecret(home: URL, target: URL): boolean {
  if (home.hostname !== target.hostname) return false;
  if (home.protocol === target.protocol) return portOf(home) === portOf(target);
  return home.protocol === "http:" && home.port === target.port;
}

/**
 * Whether the credential of a registry may be sent to the token server that it named (GHSA-xf85-363p-868w).
 *
 * That is the registry itself, an https server of the same site, one that the user trusts, and for a registry on
 * this machine any port of it.
 */
export function mayReceiveCredential(host: Host, realm: URL, trusted: TrustedTokenServers): boolean {
  if (mayReceiveSecret(host.url, realm)) return true;
  if (isTrusted(host, realm, trusted)) return true;
  if (isLoopback(host.url.host)) return isLoopback(realm.host);
  return realm.protocol === "https:" && isSameSite(host.url.hostname, realm.hostname);
}

function isTrusted(host: Host, realm: URL, trusted: TrustedTokenServers): boolean {
  if (typeof trusted === "function") return trusted(host.url, realm);
  const servers = Object.hasOwn(trusted, host.name) ? trusted[host.name] : undefined;
  return (
    servers?.some((server) => server === realm.host || server === `${realm.hostname}:${portOf(realm)}`) ===
    true
  );
}

/** The same host, the domain it is in, or its neighbour there, unless the neighbours are strangers. */
function isSameSite(registry: string, realm: string): boolean {
  if (registry === realm) return true;
  const domain = registry.slice(registry.indexOf(".") + 1);
  if (isAddress(registry) || !domain.includes(".") || isShared(domain)) return false;
  const neighbour = realm.endsWith(`.${domain}`) ? realm.slice(0, -domain.length - 1) : undefined;
  return realm === domain || (neighbour !== undefined && neighbour !== "" && !neighbour.includes("."));
}

function isAddress(hostname: string): boolean {
  return hostname.startsWith("[") || /^[\d.]+$/.test(hostname);
}

function isShared(domain: string): boolean {
  if (sharedDomains.some((shared) => domain === shared || domain.endsWith(`.${shared}`))) return true;
  return /^(?:ac|co|com|edu|gob|gov|ltd|mil|ne|net|nom|or|org|plc)\.[a-z]{2}$/.test(domain);
}
