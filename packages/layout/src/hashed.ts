import { createDigester, type Bytes, type CallOptions, type Digest, type Digester } from "@drayage/oci";

/** `bytes`, all of which `digester` is told on their way. */
export async function* hashed(bytes: Bytes, digester: Digester): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of bytes) {
    digester.update(chunk);
    yield chunk;
  }
}

/** What `bytes` hash to, and how many they are. */
export async function sumOf(
  bytes: Bytes,
  { signal }: CallOptions = {},
): Promise<{ readonly digest: Digest; readonly size: number }> {
  const digester = createDigester();
  let size = 0;
  for await (const chunk of bytes) {
    signal?.throwIfAborted();
    digester.update(chunk);
    size += chunk.byteLength;
  }
  return { digest: digester.digest(), size };
}
