import { once } from "node:events";
import { createInterface, type Interface } from "node:readline/promises";
import { addAbortSignal, Writable, type Readable } from "node:stream";
import { OciError, readAll, Secret, type CallOptions } from "@drayage/oci";

/** Where a person is asked. */
export interface Terminal {
  readonly input: Readable;
  /** Not where results go, so that these can be redirected. */
  readonly output: Writable;
}

const secretLimit = 64 * 1024;

/** What the person types. @throws OciError OPTION_INVALID */
export async function promptLine(
  question: string,
  { input, output, signal }: Terminal & CallOptions,
): Promise<string> {
  const line = createInterface({ input, output, terminal: true, historySize: 0 });
  return ask(line, { question, signal });
}

/** What the person types, shown nowhere. @throws OciError OPTION_INVALID */
export async function promptSecret(
  question: string,
  { input, output, signal }: Terminal & CallOptions,
): Promise<Secret> {
  output.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const line = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
  try {
    return new Secret(await ask(line, { question: "", signal }));
  } finally {
    output.write("\n");
  }
}

/**
 * The secret that another program writes to `input`, without the line end behind it.
 *
 * @throws OciError OPTION_INVALID, LIMIT_EXCEEDED
 */
export async function readSecret(input: Readable, { signal }: CallOptions): Promise<Secret> {
  const source = signal === undefined ? input : addAbortSignal(signal, input);
  const text = textOf(await readAll(source, { limit: secretLimit })).replace(/\r?\n$/, "");
  if (text !== "") return new Secret(text);
  throw new OciError("OPTION_INVALID", "there was no password on standard input");
}

/** The answer; an interrupt is passed on to the process, which a terminal in raw mode keeps from it. */
async function ask(
  line: Interface,
  { question, signal }: CallOptions & { readonly question: string },
): Promise<string> {
  line.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const closed = once(line, "close").then(() => "");
  const typed = line.question(question, signal === undefined ? {} : { signal }).catch(() => {
    signal?.throwIfAborted();
    return ""; // the end of the input, which not every Node rejects at
  });
  try {
    const answer = await Promise.race([typed, closed]);
    if (answer !== "") return answer;
  } finally {
    line.close();
  }
  throw new OciError("OPTION_INVALID", "nothing was typed");
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new OciError("OPTION_INVALID", "standard input is not UTF-8 text");
  }
}
