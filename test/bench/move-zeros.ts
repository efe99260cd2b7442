// A subject of blob-memory.ts: `download` or `upload` of the blob of HOST/MEBIBYTES with a digest, hashed on the way.
import { createClient } from "@drayage/client";
import { mediaType, parseDigest, verified } from "@drayage/oci";
import { zeros } from "./zeros.ts";

const [way = "", host = "", mebibytes = "", digestText = ""] = process.argv.slice(2);
const digest = parseDigest(digestText);
const size = Number(mebibytes) * 1024 * 1024;
const client = createClient();
const repository = client.repository(`${host}/${mebibytes}`, { access: ["pull", "push"] });

if (way === "download") {
  const { body } = await repository.getBlob(digest);
  let received = 0;
  for await (const chunk of body) received += chunk.byteLength;
  if (received !== size) throw new Error(`${received} bytes`);
} else {
  const descriptor = { mediaType: mediaType.octetStream, digest, size };
  await repository.putBlob(descriptor, async () => verified(zeros(Number(mebibytes)), descriptor));
}
await client.close();
