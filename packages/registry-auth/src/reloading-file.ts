import { readFile, stat } from "node:fs/promises";
import { isOciError, OciError } from "@drayage/oci";

export interface ReloadingFileOptions {
  /** Is told when a change of the file could not be taken over; once per change. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

const sizeLimit = 4 * 1024 * 1024;

/**
 * What a file says, read again when it has changed.
 *
 * A change that cannot be read or parsed leaves everything as it was: a slip of an editor shall not lock everybody
 * out. Only what could never be read throws.
 *
 * @throws OciError UNAVAILABLE, and from the function that is given back what `parse` throws
 */
export function createReloadingFile<Value>(
  file: string,
  parse: (text: string) => Value | Promise<Value>,
  { onError = () => undefined }: ReloadingFileOptions = {},
): () => Promise<Value> {
  let known: { readonly stamp: string; readonly value: Value } | undefined;
  let refused: string | undefined;

  return async () => {
    const stamp = await stampOf(file);
    if (known !== undefined && (stamp === known.stamp || stamp === refused)) return known.value;
    try {
      known = { stamp, value: await parse(await readText(file)) };
    } catch (error) {
      if (known === undefined) throw error;
      refused = stamp;
      onError(error);
    }
    return known.value;
  };
}

/** Changes when the file does, also when it is replaced within the same millisecond. */
async function stampOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(file, { bigint: true });
    return `${ino}:${size}:${mtimeNs}`;
  } catch {
    return "absent";
  }
}

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > sizeLimit) throw new OciError("LIMIT_EXCEEDED", `${file} has more than ${sizeLimit} bytes`);
    return await readFile(file, "utf8");
  } catch (cause) {
    if (isOciError(cause)) throw cause;
    throw new OciError("UNAVAILABLE", `cannot read ${file}`, { cause });
  }
}
