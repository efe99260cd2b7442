import type { CallOptions, Credential } from "@drayage/oci";
import { entrySource, helperFor, type DockerConfig } from "./config-file.ts";
import { createCredentialHelper, type HelperOptions } from "./credential-helper.ts";
import { parseEntry } from "./entry.ts";
import { tokenUser } from "./helper-protocol.ts";
import { registryKeys, registryOfKey } from "./keys.ts";

/** A credential that is kept, without its secret. */
export interface StoredCredential {
  /** The registry by its canonical name, or a key with a path as it is. */
  readonly registry: string;
  /** The file and the key in it, or the helper. */
  readonly source: string;
  /** The helper that has the secret; absent where it is in the file, unencrypted. */
  readonly helper?: string | undefined;
  /** Absent for tokens. */
  readonly username?: string | undefined;
}

/** Everything that the file and the helpers it names keep. */
export async function* listStored(
  config: DockerConfig,
  options: HelperOptions & CallOptions,
): AsyncGenerator<StoredCredential, void, undefined> {
  yield* listEntries(config);
  for (const name of helperNames(config)) yield* listHelper(name, { ...options, config });
}

/** The user name of the credential; a token has none. */
export function usernameOf(credential: Credential): string | undefined {
  return credential.type === "basic" ? credential.username : undefined;
}

function* listEntries(config: DockerConfig): Generator<StoredCredential, void, undefined> {
  for (const [key, value] of config.auths) {
    const registry = registryOfKey(key);
    const source = entrySource(config, key);
    const content = registry === undefined ? undefined : contentOf(value, source);
    if (registry === undefined || content === undefined) continue;
    const isWhole = registryKeys([key], registry).length > 0;
    yield { registry: isWhole ? registry : key, source, ...content };
  }
}

/** What an entry tells, or `undefined` for an empty one; one that is broken is there all the same, to be deleted. */
function contentOf(value: unknown, source: string): { readonly username?: string | undefined } | undefined {
  try {
    const credential = parseEntry(value, source);
    return credential && { username: usernameOf(credential) };
  } catch {
    return {};
  }
}

function helperNames({ credHelpers, credsStore = "" }: DockerConfig): ReadonlySet<string> {
  const names = [credsStore, ...credHelpers.values()];
  return new Set(names.filter((name) => typeof name === "string").filter((name) => name !== ""));
}

/** What the helper has for registries that are its own. */
async function* listHelper(
  name: string,
  { config, ...options }: HelperOptions & CallOptions & { readonly config: DockerConfig },
): AsyncGenerator<StoredCredential, void, undefined> {
  const helper = createCredentialHelper(name, { ...options, source: config.source });
  for (const [key, user] of await helper.list(options)) {
    const registry = registryOfKey(key);
    if (registry === undefined || helperFor(config, registry)?.name !== name) continue;
    const username = user === "" || user === tokenUser ? undefined : user;
    yield { registry, source: helper.program, helper: helper.program, username };
  }
}
