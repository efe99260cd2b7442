import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { Values } from "./command.ts";
import { optionError } from "./option-error.ts";

/** What a server shows of itself over TLS. */
export const tlsOptions = {
  "tls-cert": {
    type: "string",
    value: "FILE",
    isPath: true,
    help: "speak HTTPS with the certificate in this file, and those that vouch for it",
  },
  "tls-key": { type: "string", value: "FILE", isPath: true, help: "the key of that certificate" },
} as const;

export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** The certificate and key that the user named, which belong together; `undefined` without any. @throws OciError OPTION_INVALID */
export async function readTlsFiles(values: Values<typeof tlsOptions>): Promise<TlsFiles | undefined> {
  const { "tls-cert": certFile, "tls-key": keyFile } = values;
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (keyFile === undefined) throw optionError("tls-cert", "--tls-cert needs --tls-key");
  if (certFile === undefined) throw optionError("tls-key", "--tls-key needs --tls-cert");
  const cert = await read("tls-cert", certFile);
  const key = await read("tls-key", keyFile);
  attempt("tls-cert", `--tls-cert: ${certFile} is no certificate`, () => createSecureContext({ cert }));
  attempt("tls-key", `--tls-key: ${keyFile} is not the key of that certificate`, () =>
    createSecureContext({ cert, key }),
  );
  return { cert, key };
}

async function read(option: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw optionError(option, `--${option}: cannot read ${file}`, { cause });
  }
}

function attempt(option: string, message: string, action: () => unknown): void {
  try {
    action();
  } catch (cause) {
    throw optionError(option, message, { cause });
  }
}
