import {
  OciError,
  ownValue,
  parseRegistry,
  type CallOptions,
  type Credential,
  type DeleteResult,
  type JsonObject,
} from "@drayage/oci";
import { entrySource, helperFor, parseDockerConfig, type DockerConfig } from "./config-file.ts";
import { changeEntries, entryWith, type EntryChange } from "./config-text.ts";
import { createCredentialHelper, type CredentialHelper, type HelperOptions } from "./credential-helper.ts";
import { formatAuth } from "./entry.ts";
import { registryKeys, serverKeyOf } from "./keys.ts";
import { readFileIfThere } from "./read-file.ts";
import { dockerConfigFile, thisMachine, type Environment } from "./search.ts";
import { listStored, usernameOf, type StoredCredential } from "./stored.ts";
import { updateFile } from "./update-file.ts";

/** What keeps credentials by registry. */
export interface CredentialStore {
  /**
   * Keeps the credential in place of any other for the registry, and resolves to where it went.
   *
   * @throws OciError REFERENCE_INVALID, CREDENTIAL_UNAVAILABLE, UNAVAILABLE; OPTION_INVALID for a bearer token where
   *   a helper would have to keep it
   */
  set(registry: string, credential: Credential, options?: CallOptions): Promise<StoredCredential>;
  /** Removes what is kept for the registry. @throws OciError REFERENCE_INVALID, CREDENTIAL_UNAVAILABLE, UNAVAILABLE */
  delete(registry: string, options?: CallOptions): Promise<DeleteResult>;
  /** Everything that is kept, without the secrets. @throws OciError CREDENTIAL_UNAVAILABLE */
  list(options?: CallOptions): AsyncIterable<StoredCredential>;
}

/** Where credentials are kept, and how helpers are run. */
export interface DockerCredentialStoreOptions extends HelperOptions {
  /** By default what `REGISTRY_AUTH_FILE` names, else docker's own file: where `fromDockerConfig` looks first. */
  readonly file?: string | undefined;
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/**
 * The credentials in docker's or containers' configuration, as `docker login` and `docker logout` change them.
 *
 * If the file names a helper for the registry, the helper keeps the secret, else the file does: unencrypted, with
 * mode 0600, everything else in it unchanged.
 *
 * @throws OciError OPTION_INVALID if no file is named and there is no home directory
 * @example
 * const store = createDockerCredentialStore();
 * await store.set("registry.example.com", { type: "basic", username: "ci", password: new Secret(token) });
 */
export function createDockerCredentialStore(options: DockerCredentialStoreOptions = {}): CredentialStore {
  const { env = process.env, now } = options;
  const file = options.file ?? defaultFile(env);

  const update = (change: EntryChange, { signal }: CallOptions): Promise<void> =>
    updateFile(file, (content) => changeEntries(content, { source: file, change }), { signal, now });

  return {
    set: async (name, credential, callOptions = {}) => {
      const { registry } = parseRegistry(name);
      const key = serverKeyOf(registry);
      const config = await readConfig(file, callOptions);
      const helper = helperOf(config, registry, options);
      await helper?.store(key, credential, callOptions);
      // docker marks what a helper has by an entry without a secret.
      const fields = helper === undefined ? fieldsOf(credential) : {};
      await update((entries) => withEntry(entries, registry, fields), callOptions);
      const source = helper?.program ?? entrySource(config, key);
      return { registry, source, helper: helper?.program, username: usernameOf(credential) };
    },
    delete: async (name, callOptions = {}) => {
      const { registry } = parseRegistry(name);
      const config = await readConfig(file, callOptions);
      const erased = await helperOf(config, registry, options)?.erase(serverKeyOf(registry), callOptions);
      const isKept = registryKeys(config.auths.keys(), registry).length > 0;
      if (isKept) await update((entries) => withoutRegistry(entries, registry), callOptions);
      return isKept || erased === "deleted" ? "deleted" : "absent";
    },
    list: async function* (callOptions = {}) {
      const config = await readConfig(file, callOptions);
      yield* listStored(config, { ...options, ...callOptions });
    },
  };
}

function defaultFile(env: Environment): string {
  const file = env["REGISTRY_AUTH_FILE"] || dockerConfigFile(thisMachine(env));
  if (file !== undefined) return file;
  throw new OciError("OPTION_INVALID", "there is no home directory to keep credentials in", {
    hint: "set HOME, DOCKER_CONFIG or REGISTRY_AUTH_FILE, or pass `file`",
  });
}

async function readConfig(file: string, { signal }: CallOptions): Promise<DockerConfig> {
  const content = await readFileIfThere(file, { signal });
  const origin = { source: file, isExposed: content?.isExposed ?? false };
  return parseDockerConfig(content?.bytes ?? new Uint8Array(), origin);
}

function helperOf(
  config: DockerConfig,
  registry: string,
  options: HelperOptions,
): CredentialHelper | undefined {
  const helper = helperFor(config, registry);
  return helper && createCredentialHelper(helper.name, { ...options, source: helper.source });
}

function fieldsOf(credential: Credential): JsonObject {
  switch (credential.type) {
    case "basic":
      return { auth: formatAuth(credential.username, credential.password.reveal()) };
    case "refresh-token":
      return { identitytoken: credential.token.reveal() };
    case "bearer":
      return { registrytoken: credential.token.reveal() };
  }
}

/** The entries with that one for the registry. Another spelling of it would keep its old secret for other programs. */
function withEntry(entries: JsonObject, registry: string, fields: JsonObject): JsonObject {
  const key = serverKeyOf(registry);
  const others = new Set(registryKeys(Object.keys(entries), registry).filter((each) => each !== key));
  const kept = Object.entries(entries).filter(([each]) => !others.has(each));
  return { ...Object.fromEntries(kept), [key]: entryWith(ownValue(entries, key), fields) };
}

/** The entries without those for the whole of the registry, however they are spelt. */
function withoutRegistry(entries: JsonObject, registry: string): JsonObject {
  const keys = new Set(registryKeys(Object.keys(entries), registry));
  return Object.fromEntries(Object.entries(entries).filter(([key]) => !keys.has(key)));
}
