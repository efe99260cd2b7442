import { ownValue, parseJson, parseObject, type JsonObject } from "@drayage/oci";
import { unavailable } from "./failure.ts";
import { registryKeys } from "./keys.ts";

/** What a configuration says about credentials; its entries are parsed when they are needed. */
export interface DockerConfig {
  /** Where it is, as the user knows it. */
  readonly source: string;
  /** Whether others than its owner may read it. */
  readonly isExposed: boolean;
  /** Credentials by key. */
  readonly auths: ReadonlyMap<string, unknown>;
  /** Helpers by registry. */
  readonly credHelpers: ReadonlyMap<string, unknown>;
  /** The helper for every registry without one of its own. */
  readonly credsStore: string | undefined;
}

/** Where a configuration was found. */
export interface ConfigOrigin {
  readonly source: string;
  readonly isExposed: boolean;
}

/**
 * The configuration that `bytes` spell: docker's `config.json`, containers' `auth.json` and the content of a
 * Kubernetes `.dockerconfigjson` are one format. Nothing at all is an empty configuration.
 *
 * @throws OciError CREDENTIAL_UNAVAILABLE
 */
export function parseDockerConfig(bytes: Uint8Array, origin: ConfigOrigin): DockerConfig {
  const config = parseConfigObject(bytes, origin.source);
  const credsStore = ownValue(config, "credsStore") ?? "";
  if (typeof credsStore !== "string") throw malformed(origin.source, '"credsStore" is not text');
  return {
    ...origin,
    auths: entriesOf(config, "auths", origin.source),
    credHelpers: entriesOf(config, "credHelpers", origin.source),
    credsStore: credsStore === "" ? undefined : credsStore,
  };
}

/** The configuration in the format of `~/.dockercfg`, which is nothing but the entries. @throws OciError CREDENTIAL_UNAVAILABLE */
export function parseDockercfg(bytes: Uint8Array, origin: ConfigOrigin): DockerConfig {
  const auths = new Map(Object.entries(parseConfigObject(bytes, origin.source)));
  return { ...origin, auths, credHelpers: new Map(), credsStore: undefined };
}

/** The outermost object of a configuration. @throws OciError CREDENTIAL_UNAVAILABLE */
export function parseConfigObject(bytes: Uint8Array, source: string): JsonObject {
  if (bytes.every(isSpace)) return {};
  const config = parseObject(jsonOf(bytes, source));
  if (config === undefined) throw malformed(source, "it is not a JSON object");
  return config;
}

/** The helper that `config` names for `registry`, and where it does; no other place of `config` counts then. */
export function helperFor(
  config: DockerConfig,
  registry: string,
): { readonly name: string; readonly source: string } | undefined {
  const [key] = registryKeys(config.credHelpers.keys(), registry);
  if (key === undefined) {
    const { credsStore, source } = config;
    return credsStore === undefined ? undefined : { name: credsStore, source: `credsStore in ${source}` };
  }
  const source = `credHelpers["${key}"] in ${config.source}`;
  const name = config.credHelpers.get(key);
  // The empty name exempts a registry from credsStore.
  if (name === "") return undefined;
  if (typeof name === "string") return { name, source };
  throw unavailable({ source, problem: "it is not text", hint: "name a helper, or remove the entry" });
}

/** The place of one entry, as the user knows it. */
export function entrySource(config: ConfigOrigin, key: string): string {
  return `auths["${key}"] in ${config.source}`;
}

function entriesOf(config: JsonObject, field: string, source: string): ReadonlyMap<string, unknown> {
  const value = ownValue(config, field) ?? {};
  const entries = parseObject(value);
  if (entries === undefined) throw malformed(source, `"${field}" is not an object`);
  return new Map(Object.entries(entries));
}

function jsonOf(bytes: Uint8Array, source: string): unknown {
  try {
    return parseJson(bytes, "CREDENTIAL_UNAVAILABLE");
  } catch {
    throw malformed(source, "it is not JSON");
  }
}

function malformed(source: string, problem: string): Error {
  return unavailable({ source, problem, hint: "correct it, or remove it and log in again" });
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}
