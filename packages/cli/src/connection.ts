import { readFile } from "node:fs/promises";
import {
  createClient,
  proxyFromEnvironment,
  type Client,
  type HostOptions,
  type RepositoryClient,
} from "@drayage/client";
import {
  OciError,
  parseRegistry,
  type Action,
  type CallOptions,
  type CredentialProvider,
  type Reference,
} from "@drayage/oci";
import { unlessNoRegistry } from "./absence.ts";
import type { Values } from "./command.ts";
import { createDefaultCredentials } from "./credentials.ts";
import type { Printer } from "./print.ts";
import { describeEvent } from "./trace.ts";
import { readVersion } from "./version.ts";

/** How to reach registries; each concerns the host it names and no other. */
export const connectionOptions = {
  "plain-http": {
    type: "string",
    multiple: true,
    value: "HOST",
    help: "speak http to HOST; loopback hosts need no mention",
  },
  insecure: { type: "string", multiple: true, value: "HOST", help: "accept any certificate of HOST" },
  ca: { type: "string", multiple: true, value: "HOST=FILE", help: "trust the authorities in FILE for HOST" },
  cert: { type: "string", multiple: true, value: "HOST=FILE", help: "show HOST the certificate in FILE" },
  key: { type: "string", multiple: true, value: "HOST=FILE", help: "the key of that certificate" },
  trace: { type: "boolean", help: "show every request on stderr, without secrets" },
} as const;

type ConnectionValues = Values<typeof connectionOptions>;

interface Connection extends CallOptions {
  readonly values: ConnectionValues;
  readonly print: Pick<Printer, "note" | "event">;
  /** How many requests may be under way to one registry at a time; as many as is usual unless told. */
  readonly concurrency?: number | undefined;
  /** In place of the default chain. */
  readonly credentials?: CredentialProvider | undefined;
}

/**
 * Runs `use` with a client for `registries`, which knows what the user said about these hosts, and closes it.
 *
 * @throws OciError OPTION_INVALID for an option that is about another host
 */
export async function withClient<Result>(
  { registries, ...connection }: Connection & { readonly registries: readonly string[] },
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  const { values, print, concurrency, credentials, signal } = connection;
  const defaults = createDefaultCredentials({ note: print.note });
  const client = createClient({
    credentials: credentials ?? defaults.provider,
    hosts: await hostsOf(values, { registries }),
    network: { proxy: proxyFromEnvironment(process.env) },
    concurrency,
    userAgent: `drayage/${readVersion()}`,
    trace: values.trace === true ? (event) => print.event(event, describeEvent(event)) : undefined,
  });
  try {
    return await use(client);
  } catch (error) {
    const asked = registries.map((name) => client.registry(name));
    throw await unlessNoRegistry(defaults.explain(error), asked, { signal });
  } finally {
    await client.close();
  }
}

/** The same with the one repository that `reference` names, for what `access` says. */
export function withRepository<Result>(
  {
    reference,
    access,
    ...connection
  }: Connection & {
    readonly reference: Reference;
    readonly access: readonly Action[];
  },
  use: (repository: RepositoryClient) => Promise<Result>,
): Promise<Result> {
  const registries = [reference.registry];
  return withClient({ ...connection, registries }, (client) => use(client.repository(reference, { access })));
}

/** What the user said, by host. @throws OciError OPTION_INVALID, REFERENCE_INVALID */
export async function hostsOf(
  values: ConnectionValues,
  { registries }: { readonly registries: readonly string[] },
): Promise<Readonly<Record<string, HostOptions>>> {
  const hosts = new Map<string, HostOptions>();
  const add = (text: string, option: string, options: HostOptions) => {
    const { registry } = parseRegistry(text);
    if (!registries.includes(registry)) throw aboutNobody(text, option, registries);
    hosts.set(registry, { ...hosts.get(registry), ...options });
  };
  for (const host of values["plain-http"] ?? []) add(host, "plain-http", { plainHttp: true });
  for (const host of values.insecure ?? []) add(host, "insecure", { insecure: true });
  for (const option of ["ca", "cert", "key"] as const) {
    for (const text of values[option] ?? []) {
      const { host, file } = splitHostFile(text, option);
      add(host, option, { [option]: await readText(file, option) });
    }
  }
  return Object.fromEntries(hosts);
}

/** A host that is not spoken to is a slip, and passing over it would leave the right one without its option. */
function aboutNobody(host: string, option: string, registries: readonly string[]): OciError {
  const spoken = [...new Set(registries)].join(" and ");
  return new OciError("OPTION_INVALID", `--${option} names "${host}", but this is about ${spoken}`);
}

function splitHostFile(text: string, option: string): { readonly host: string; readonly file: string } {
  const equals = text.indexOf("=");
  if (equals > 0 && equals < text.length - 1) {
    return { host: text.slice(0, equals), file: text.slice(equals + 1) };
  }
  throw new OciError("OPTION_INVALID", `--${option} needs HOST=FILE, not "${text}"`);
}

async function readText(file: string, option: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new OciError("OPTION_INVALID", `--${option}: cannot read ${file}`, { cause });
  }
}
