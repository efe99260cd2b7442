import { BlockList, isIP } from "node:net";
import { isLoopback, OciError, Secret } from "@drayage/oci";
import { basic } from "../auth/token.ts";
import { proxyUrl } from "./url.ts";

/** Which forward proxy takes requests on; whatever is for this machine goes there directly. */
export interface ProxyOptions {
  /** For `https:` URLs. */
  readonly https?: ProxyServer | undefined;
  /** For `http:` URLs. */
  readonly http?: ProxyServer | undefined;
  /**
   * What is reached directly: `name` with all below it, `.name` for what is below it alone, either with a `:port`,
   * an address, a network such as `10.0.0.0/8`, or `*`.
   */
  readonly except?: readonly string[] | undefined;
}

export interface ProxyServer {
  /** Such as `http://proxy.example:3128`, or `https:`; without user and password, which have their own places. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: Secret | string | undefined;
}

/** A proxy that is ready to be asked. */
export interface ForwardProxy {
  readonly url: URL;
  /** The value of `Proxy-Authorization`, which nobody but the proxy gets to see. */
  readonly proof: Secret | undefined;
}

/** Where a connection leads; addresses of IPv6 without brackets. */
export interface ProxyTarget {
  readonly protocol: string;
  readonly hostname: string;
  readonly port: string;
}

/** The proxy for a target, or nothing if it is reached directly. */
export type ProxyFor = (target: ProxyTarget) => ForwardProxy | undefined;

/** @throws OciError OPTION_INVALID */
export function createProxyChoice({ https, http, except = [] }: ProxyOptions = {}): ProxyFor {
  const forSecure = https === undefined ? undefined : forwardProxyOf(https);
  const forPlain = http === undefined ? undefined : forwardProxyOf(http);
  const exceptions = except.map(exceptionOf);
  return (target) => {
    const isDirect = isLoopback(hostAndPort(target)) || exceptions.some((matches) => matches(target));
    if (isDirect) return undefined;
    return target.protocol === "https:" ? forSecure : forPlain;
  };
}

/**
 * The proxies that `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name, in small letters or capital ones; `undefined` if
 * there are none. A client has them only if it is given them.
 *
 * @throws OciError OPTION_INVALID
 * @see https://www.gnu.org/software/wget/manual/html_node/Proxies.html
 * @example createClient({ network: { proxy: proxyFromEnvironment(process.env) } })
 */
export function proxyFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): ProxyOptions | undefined {
  const valueOf = (name: string): string | undefined =>
    environment[name.toLowerCase()] || environment[name] || undefined;
  const https = valueOf("HTTPS_PROXY");
  // In a CGI program that one is a header of whoever made the request (CVE-2016-5385).
  const isCgi = environment["REQUEST_METHOD"] !== undefined;
  const http = isCgi ? environment["http_proxy"] || undefined : valueOf("HTTP_PROXY");
  if (https === undefined && http === undefined) return undefined;
  const except = (valueOf("NO_PROXY") ?? "").split(/[\s,]/).filter((entry) => entry !== "");
  return {
    https: https === undefined ? undefined : serverOf(https),
    http: http === undefined ? undefined : serverOf(http),
    except,
  };
}

/** A proxy as the environment has it: with user and password, maybe without `http://`. */
function serverOf(text: string): ProxyServer {
  const [, scheme = "http://", rest = ""] = /^([a-z][a-z\d+.-]*:\/\/)?(.*)$/is.exec(text) ?? [];
  const at = rest.lastIndexOf("@");
  const url = scheme + rest.slice(at + 1);
  if (at < 0) return { url };
  const [username = "", ...password] = rest.slice(0, at).split(":");
  return { url, username: decoded(username), password: new Secret(decoded(password.join(":"))) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function forwardProxyOf({ url, username, password = "" }: ProxyServer): ForwardProxy {
  const secret = typeof password === "string" ? new Secret(password) : password;
  const proof = username === undefined ? undefined : basic({ username, password: secret });
  return { url: proxyUrl(url), proof };
}

type Exception = (target: ProxyTarget) => boolean;

function exceptionOf(text: string): Exception {
  if (text === "*") return () => true;
  const entry = text.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  const network = networkOf(entry);
  if (network !== undefined) return ({ hostname }) => isIn(network, hostname);
  const [, name = "", port] = /^([^:]*)(?::(\d+))?$/.exec(entry) ?? [];
  if (name === "") throw new OciError("OPTION_INVALID", `no host or network is called ${text}`);
  const suffix = name.replace(/^(?:\*?\.)?/, ".");
  return (target) => {
    const hostname = target.hostname.toLowerCase();
    const isNamed = hostname === name || hostname.endsWith(suffix);
    return isNamed && (port === undefined || port === portOf(target));
  };
}

/** What an address or `address/bits` stands for; nothing if it is neither. */
function networkOf(entry: string): BlockList | undefined {
  const [address = "", bits] = entry.split("/");
  const version = isIP(address);
  if (version === 0) return undefined;
  const most = version === 6 ? 128 : 32;
  const length = bits === undefined ? most : Number(bits);
  if (!(length >= 0 && length <= most)) throw new OciError("OPTION_INVALID", `${entry} is no network`);
  const list = new BlockList();
  list.addSubnet(address, length, version === 6 ? "ipv6" : "ipv4");
  return list;
}

function isIn(network: BlockList, hostname: string): boolean {
  const version = isIP(hostname);
  return version !== 0 && network.check(hostname, version === 6 ? "ipv6" : "ipv4");
}

function portOf({ protocol, port }: ProxyTarget): string {
  return port === "" ? (protocol === "https:" ? "443" : "80") : port;
}

/** The host and port of a target, as URLs and proxies have it. */
export function hostAndPort(target: ProxyTarget): string {
  const { hostname } = target;
  return `${isIP(hostname) === 6 ? `[${hostname}]` : hostname}:${portOf(target)}`;
}
