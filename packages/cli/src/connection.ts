import { readFile } from "node:fs/promises";
import { createClient, type Client, type HostOptions } from "@drayage/client";
import { OciError, type CredentialProvider } from "@drayage/oci";
import type { Values } from "./command.ts";
import { createDefaultCredentials } from "./credentials.ts";
import type { Printer } from "./print.ts";
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
} as const;

type ConnectionValues = Values<typeof connectionOptions>;

interface Connection {
  readonly values: ConnectionValues;
  readonly print: Pick<Printer, "note">;
  /** In place of the default chain. */
  readonly credentials?: CredentialProvider | undefined;
}

/** Runs `use` with a client for what the user said about hosts, and closes it. @throws OciError OPTION_INVALID */
export async function withClient<Result>(
  { values, print, credentials }: Connection,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  const defaults = createDefaultCredentials({ note: print.note });
  const client = createClient({
    credentials: credentials ?? defaults.provider,
    hosts: await hostsOf(values),
    userAgent: `drayage/${readVersion()}`,
  });
  try {
    return await use(client);
  } catch (error) {
    throw defaults.explain(error);
  } finally {
    await client.close();
  }
}

/** What the user said, by host. @throws OciError OPTION_INVALID */
export async function hostsOf(values: ConnectionValues): Promise<Readonly<Record<string, HostOptions>>> {
  const hosts = new Map<string, HostOptions>();
  const add = (host: string, options: HostOptions) => hosts.set(host, { ...hosts.get(host), ...options });
  for (const host of values["plain-http"] ?? []) add(host, { plainHttp: true });
  for (const host of values.insecure ?? []) add(host, { insecure: true });
  for (const option of ["ca", "cert", "key"] as const) {
    for (const text of values[option] ?? []) {
      const { host, file } = splitHostFile(text, option);
      add(host, { [option]: await readText(file, option) });
    }
  }
  return Object.fromEntries(hosts);
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
