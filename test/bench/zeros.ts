import { createDigester, type Digest } from "@drayage/oci";

const chunkSize = 64 * 1024;
const chunksPerMebibyte = 16;

/** So many MiB of zeros, in chunks that are allocated one by one, as those of files and sockets are. */
export async function* zeros(mebibytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let count = 0; count < mebibytes * chunksPerMebibyte; count++) yield new Uint8Array(chunkSize);
}

export function digestOfZeros(mebibytes: number): Digest {
  const digester = createDigester();
  const chunk = new Uint8Array(chunkSize);
  for (let count = 0; count < mebibytes * chunksPerMebibyte; count++) digester.update(chunk);
  return digester.digest();
}
