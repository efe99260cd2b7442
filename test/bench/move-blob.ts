// As little as a copy can be done with: a `GET` into a `PUT` by undici, hashed on the way.
//
//   node move-blob.ts <source repository> <target repository> <digest>
import { createHash } from "node:crypto";
import { Transform } from "node:stream";
import { request } from "undici";

const [from = "", to = "", digest = ""] = process.argv.slice(2);
const blob = await request(endpoint(from, `blobs/${digest}`));
const session = await request(endpoint(to, "blobs/uploads/"), { method: "POST" });
await session.body.dump();
const location = session.headers["location"];
if (typeof location !== "string") throw new Error("an upload without a Location");
const hash = createHash("sha256");
const pass = new Transform({
  transform(chunk: Uint8Array, _encoding, done) {
    hash.update(chunk);
    done(undefined, chunk);
  },
});
const body = blob.body.pipe(pass);
const headers = { "content-length": String(blob.headers["content-length"]) };
const done = await request(`${location}&digest=${digest}`, { method: "PUT", body, headers });
await done.body.dump();
if (done.statusCode !== 201 || `sha256:${hash.digest("hex")}` !== digest)
  throw new Error("the blob did not arrive");

function endpoint(repository: string, path: string): string {
  const slash = repository.indexOf("/");
  return `http://${repository.slice(0, slash)}/v2/${repository.slice(slash + 1)}/${path}`;
}
