import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFilesystemDriver, createHandler, createRegistry, listen } from "@drayage/registry";
import { createImage, pushImage } from "@drayage/testkit";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";

const image = createImage();
const { digest } = image.document.descriptor;

/** Pieces of what leads out of a directory, or to where something else is kept. */
const pieces = [
  ".. . / \\ %2e %2f %5c %00 %252e %0d%0a ? # & = ~ @ :",
  "_tags _blobs documents outside uploads a A con nul a:b sha256:",
];
const piece = fc.constantFrom(digest, ...pieces.flatMap((line) => line.split(" ")));
const text = fc.oneof(
  fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join("")),
  // What a request line can hold.
  fc.string({ minLength: 1, maxLength: 40 }).map((any) => encodeURIComponent(any.toWellFormed())),
);
const target = fc.oneof(
  text.map((name) => `/v2/${name}/tags/list`),
  text.map((name) => `/v2/${name}/blobs/uploads/`),
  text.map((tag) => `/v2/a/manifests/${tag}`),
  text.map((id) => `/v2/a/blobs/uploads/${id}`),
  text.map((any) => `/v2/a/blobs/${any}`),
  text.map((any) => `/v2/a/referrers/${any}`),
  text.map((from) => `/v2/a/blobs/uploads/?mount=${digest}&from=${from}`),
  text.map((mount) => `/v2/a/blobs/uploads/?mount=${mount}&from=a`),
  text.map((any) => `/v2/a/blobs/uploads/?digest=${any}`),
  text.map((last) => `/v2/a/tags/list?last=${last}`),
  text.map((last) => `/v2/_catalog?last=${last}`),
  text.map((last) => `/v2/a/referrers/${digest}?last=${last}`),
  text.map((tag) => `/v2/a/manifests/${digest}?tag=${tag}`),
  text,
);
const method = fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE");

interface Answer {
  readonly status: number;
  readonly body: string;
}

const unsent: Answer = { status: 0, body: "" };

function send(url: string, line: { readonly method: string; readonly path: string }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(url, line, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
    })
      .once("error", reject)
      .end();
  });
}

test("whatever is sent as a name, tag, digest, session, source or place in a list stays in the storage (S14)", async () => {
  const home = await mkdtemp(join(tmpdir(), "drayage-names-"));
  onTestFinished(() => rm(home, { recursive: true }));
  await writeFile(join(home, "outside"), "c4n4ry");
  const driver = createFilesystemDriver(join(home, "storage"), { durability: "relaxed" });
  const registry = createRegistry(driver, { rules: { deletesReferenced: true } });
  await pushImage(registry.repository("a"), image, { tags: ["v1"] });
  await using server = await listen(createHandler(registry));
  const runs = Number(process.env["DRAYAGE_FUZZ"] ?? 1000);
  await fc.assert(
    fc.asyncProperty(method, target, async (verb, path) => {
      // What Node itself does not send is no request.
      const { status, body } = await send(server.url, { method: verb, path }).catch(() => unsent);
      const isRefusal = status >= 400 && verb !== "HEAD";
      expect(body).toMatch(isRefusal ? /^\{"errors":\[\{"code":"[A-Z_]+"/ : "");
      expect(body).not.toContain("c4n4ry");
      expect([verb, path, status < 500]).toEqual([verb, path, true]);
    }),
    { numRuns: runs },
  );
  expect((await readdir(home)).toSorted()).toEqual(["outside", "storage"]);
}, 120_000);
