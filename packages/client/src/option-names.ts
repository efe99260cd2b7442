import { OciError } from "@drayage/oci";
import type { ProxyOptions, ProxyServer } from "./http/proxy.ts";
import type {
  ClientOptions,
  HostOptions,
  LimitOptions,
  MinRateOptions,
  NetworkOptions,
  RetryOptions,
  TimeoutOptions,
} from "./options.ts";

type Names<Options> = { readonly [Name in keyof Options]-?: true };

const clientNames: Names<ClientOptions> = {
  credentials: true,
  hosts: true,
  network: true,
  dispatcher: true,
  budget: true,
  concurrency: true,
  retry: true,
  limits: true,
  timeouts: true,
  minRate: true,
  trace: true,
  trustedTokenServers: true,
  userAgent: true,
  now: true,
};
const hostNames: Names<HostOptions> = {
  plainHttp: true,
  insecure: true,
  ca: true,
  cert: true,
  key: true,
  headers: true,
  strictUploadHost: true,
  mirrors: true,
  quirks: true,
};
const networkNames: Names<NetworkOptions> = { lookup: true, ca: true, allow: true, proxy: true };
const proxyNames: Names<ProxyOptions> = { https: true, http: true, except: true };
const serverNames: Names<ProxyServer> = { url: true, username: true, password: true };
const retryNames: Names<RetryOptions> = { attempts: true, minDelay: true, maxDelay: true, maxWait: true };
const limitNames: Names<LimitOptions> = { manifestBytes: true, pageBytes: true, pages: true, items: true };
const timeoutNames: Names<TimeoutOptions> = { connect: true, headers: true, idle: true };
const minRateNames: Names<MinRateOptions> = { bytes: true, window: true };

/**
 * Refuses what is no option: whoever writes no TypeScript would never hear of a slip, and be without what was meant.
 *
 * @throws OciError OPTION_INVALID
 */
export function requireKnownOptions(options: ClientOptions): void {
  const { hosts = {}, network = {}, retry = {}, limits = {}, timeouts = {}, minRate = {} } = options;
  refuseUnknown(options, clientNames, "");
  for (const [host, of] of Object.entries(hosts)) refuseUnknown(of, hostNames, `hosts["${host}"].`);
  refuseUnknown(network, networkNames, "network.");
  const { proxy = {} } = network;
  const { https = {}, http = {} } = proxy;
  refuseUnknown(proxy, proxyNames, "network.proxy.");
  refuseUnknown(https, serverNames, "network.proxy.https.");
  refuseUnknown(http, serverNames, "network.proxy.http.");
  refuseUnknown(retry, retryNames, "retry.");
  refuseUnknown(limits, limitNames, "limits.");
  refuseUnknown(timeouts, timeoutNames, "timeouts.");
  refuseUnknown(minRate, minRateNames, "minRate.");
}

function refuseUnknown<Options extends object>(options: Options, known: Names<Options>, place: string): void {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return;
  throw new OciError("OPTION_INVALID", `there is no option ${place}${unknown}`, {
    hint: `there are ${Object.keys(known).join(", ")}`,
  });
}
