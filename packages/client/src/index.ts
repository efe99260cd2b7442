export { createClient, type Client } from "./client.ts";
export type { DeleteTagOptions } from "./delete-tag.ts";
export { createDiagnosticsTrace, diagnosticsChannel } from "./diagnostics.ts";
export type { AddressContext } from "./http/dial.ts";
export { proxyFromEnvironment, type ProxyOptions, type ProxyServer } from "./http/proxy.ts";
export type {
  MirrorEvent,
  ProgressEvent,
  RateLimitEvent,
  RequestEvent,
  RetryEvent,
  TokenEvent,
  TraceEvent,
  WaitEvent,
  WarningEvent,
} from "./http/trace.ts";
export type { FetchManifestOptions } from "./manifests.ts";
export type {
  ClientOptions,
  HostOptions,
  LimitOptions,
  MinRateOptions,
  NetworkOptions,
  RetryOptions,
  TimeoutOptions,
  TrustedTokenServers,
} from "./options.ts";
export { profileOf, profiles, type KnownRegistry } from "./quirks/index.ts";
export type { Fact, Profile, Quirk, Source } from "./quirks/profile.ts";
export type { RegistryClient } from "./registry.ts";
export type { RepositoryClient } from "./repository.ts";
export type { ListTagPagesOptions } from "./tags.ts";
