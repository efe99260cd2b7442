import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import { OciError, type Bytes, type CallOptions } from "@drayage/oci";

/** What the user gives: a file that can be read again and again, or a stream that passes once. */
export type Input =
  | { readonly size: number; readonly open: (offset: number, options?: CallOptions) => Bytes }
  | { readonly size: undefined; readonly bytes: Bytes };

/** The file of that name, or with `-` what another program writes to standard input. @throws OciError OPTION_INVALID */
export async function openInput(name: string, { signal }: CallOptions): Promise<Input> {
  if (name === "-") return { size: undefined, bytes: standardInput({ signal }) };
  const found = await stat(name).catch((cause: unknown) => {
    throw new OciError("OPTION_INVALID", `cannot read ${name}`, { cause });
  });
  if (found.isDirectory()) throw new OciError("OPTION_INVALID", `${name} is a directory`);
  const open = (offset: number, options: CallOptions = {}): Bytes => {
    // In a pipe, even the first byte cannot be asked for.
    const start = offset === 0 ? undefined : offset;
    return readable(() => createReadStream(name, { start }), { name, ...options });
  };
  // The size of a pipe is not known, and it passes once.
  return found.isFile() ? { size: found.size, open } : { size: undefined, bytes: open(0, { signal }) };
}

/** All of `input`, once. */
export function bytesOfInput(input: Input, options: CallOptions): Bytes {
  return input.size === undefined ? input.bytes : input.open(0, options);
}

function standardInput(options: CallOptions): Bytes {
  if (process.stdin.isTTY) {
    throw new OciError("OPTION_INVALID", "there is nothing on standard input", {
      hint: "another program has to write to it, or < FILE",
    });
  }
  return readable(() => process.stdin, { name: "standard input", ...options });
}

/** What is read from a stream, which is opened when the first byte is wanted; its failures have a code. */
async function* readable(
  open: () => Readable,
  { name, signal }: CallOptions & { readonly name: string },
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* signal === undefined ? open() : addAbortSignal(signal, open());
  } catch (cause) {
    signal?.throwIfAborted();
    throw new OciError("UNAVAILABLE", `cannot read ${name}`, { cause, retryable: false });
  }
}
