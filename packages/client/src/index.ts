export { createClient, type Client } from "./client.ts";
export type { AddressContext } from "./http/dial.ts";
export type { RequestEvent, TokenEvent, TraceEvent, WaitEvent, WarningEvent } from "./http/trace.ts";
export type {
  ClientOptions,
  HostOptions,
  LimitOptions,
  NetworkOptions,
  RetryOptions,
  TimeoutOptions,
  TrustedTokenServers,
} from "./options.ts";
export { profileOf, profiles, type KnownRegistry } from "./quirks/index.ts";
export type { Fact, Profile, Quirk, Source } from "./quirks/profile.ts";
export type { RegistryClient } from "./registry.ts";
