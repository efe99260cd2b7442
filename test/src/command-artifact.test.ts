import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryRegistry, parseManifest } from "@drayage/oci";
import { createHandler, listen } from "@drayage/registry";
import { createImage, pushImage } from "@drayage/testkit";
import { expect, onTestFinished, test } from "vitest";
import { drayage } from "./command-process.ts";

const image = createImage();
const done = { status: 0 };
const title = "org.opencontainers.image.title";

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

/** A registry that has an image as `app:v1`, and a directory with files. */
async function prepare() {
  const registry = new MemoryRegistry();
  const repository = registry.repository("app");
  await pushImage(repository, image, { tags: ["v1"] });
  const server = await listen(createHandler(registry));
  onTestFinished(() => server.close());
  const directory = await newDirectory();
  await mkdir(join(directory, "docs"));
  await writeFile(join(directory, "sbom.json"), "{}");
  await writeFile(join(directory, "docs", "read:me"), "read me");
  return { repository, ref: `${server.host}/app`, directory };
}

test("files and directories are pushed and pulled", async () => {
  const { repository, ref, directory } = await prepare();
  await writeFile(join(directory, "with:colon"), "colon");
  const files = ["sbom.json:application/spdx+json", "docs/", "./with:colon:"];
  const args = ["push", `${ref}:files`, ...files, "--artifact-type", "application/vnd.example"];
  const pushed = await drayage([...args, "--annotation", "a=b=c"], { cwd: directory });
  const { descriptor, bytes } = await repository.getManifest("files");
  expect(pushed).toMatchObject({ ...done, stdout: `${ref}:files@${descriptor.digest}\n` });
  expect(parseManifest(bytes)).toMatchObject({
    artifactType: "application/vnd.example",
    annotations: { a: "b=c" },
    layers: [
      { mediaType: "application/spdx+json", annotations: { [title]: "sbom.json" } },
      { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", annotations: { [title]: "docs" } },
      { mediaType: "application/vnd.oci.image.layer.v1.tar", annotations: { [title]: "with:colon" } },
    ],
  });
  const out = join(await newDirectory(), "out");
  expect(await drayage(["pull", `${ref}:files`, "--output", out])).toMatchObject(done);
  expect(await readFile(join(out, "sbom.json"), "utf8")).toBe("{}");
  expect(await readFile(join(out, "docs", "read:me"), "utf8")).toBe("read me");
});

test("an artifact is attached to a subject and found as its referrer", async () => {
  const { repository, ref, directory } = await prepare();
  const args = ["push", ref, "sbom.json", "--subject", "v1", "--artifact-type", "application/spdx+json"];
  expect(await drayage(args, { cwd: directory })).toMatchObject(done);
  const { digest } = image.document.descriptor;
  expect(await Array.fromAsync(repository.listReferrers(digest))).toMatchObject([
    { artifactType: "application/spdx+json" },
  ]);
});

test("a layout takes artifacts, too", async () => {
  const { directory } = await prepare();
  const layout = `oci:${join(await newDirectory(), "layout")}:v1`;
  expect(await drayage(["push", layout, "docs"], { cwd: directory })).toMatchObject(done);
  const out = await newDirectory();
  expect(await drayage(["pull", layout, "-o", out])).toMatchObject(done);
  expect(await readdir(join(out, "docs"))).toEqual(["read:me"]);
});

test.each([
  ["without a tag", ["push", "REF", "sbom.json"], 2, "no tag is named"],
  ["with a digest", ["push", `REF@sha256:${"a".repeat(64)}`, "sbom.json"], 2, "digest is not expected"],
  ["of a file that is not there", ["push", "REF:v2", "none"], 2, "none"],
  ["of a file elsewhere", ["push", "REF:v2", "/etc/hostname"], 2, "relative"],
  ["of an annotation without a value", ["push", "REF:v2", "sbom.json", "--annotation", "a"], 2, "KEY=VALUE"],
  ["to a subject that is not there", ["push", "REF", "sbom.json", "--subject", "v9"], 1, "MANIFEST_UNKNOWN"],
])("a push %s fails and puts nothing there", async (_case, args, expected, message) => {
  const { repository, ref, directory } = await prepare();
  const { status, stderr } = await drayage(
    args.map((word) => word.replace("REF", ref)),
    { cwd: directory },
  );
  expect([status, stderr]).toEqual([expected, expect.stringContaining(message)]);
  expect(await Array.fromAsync(repository.listTags())).toEqual(["v1"]);
});

test("a pull of an image fails, since its layers have no names", async () => {
  const { ref } = await prepare();
  const { status, stderr } = await drayage(["pull", `${ref}:v1`, "-o", await newDirectory()]);
  expect([status, stderr]).toEqual([1, expect.stringContaining("UNSUPPORTED")]);
});
