import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  bytesOf,
  createManifestDocument,
  digestOf,
  documentOf,
  mediaType,
  MemoryRegistry,
  parseManifest,
  readAll,
  type Descriptor,
  type Manifest,
  type Repository,
  type Source,
} from "@drayage/oci";
import { createImage, createIndex, pushImage } from "@drayage/testkit";
import { expect, onTestFinished, test, vi } from "vitest";
import { formatTarHeader, paddedSize } from "../tar/header.ts";
import { pullFiles } from "./pull.ts";
import { pushFiles } from "./push.ts";

const title = "org.opencontainers.image.title";

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-artifact-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

/** A directory with these files. */
async function directoryOf(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await newDirectory();
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  return directory;
}

const newRepository = (): Repository => new MemoryRegistry().repository("team/files");

async function manifestAt(source: Source, at: string): Promise<Manifest> {
  const manifest = parseManifest((await source.getManifest(at)).bytes);
  if (manifest.kind === "index") throw new Error("it is an index");
  return manifest;
}

/** Pushes what is below `root` under these names. */
function push(repository: Repository, root: string, ...names: readonly string[]): Promise<Descriptor> {
  const files = names.map((name) => ({ path: join(root, name), title: name }));
  return pushFiles(repository, files, { tags: ["v1"] });
}

/** The files below `root`, with what is in them. */
async function filesBelow(root: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = files.map(
    async (path) => [path.slice(root.length + 1), await readFile(path, "utf8")] as const,
  );
  return Object.fromEntries(await Promise.all(read));
}

/** An artifact whose layers say of themselves whatever is wanted. */
async function craft(
  ...layers: readonly {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly bytes: Uint8Array;
  }[]
): Promise<Repository> {
  const repository = newRepository();
  const documents = layers.map(({ bytes }) => documentOf(bytes, mediaType.octetStream));
  const empty = documentOf(Buffer.from("{}"), mediaType.ociEmpty);
  for (const { descriptor, bytes } of [empty, ...documents])
    await repository.putBlob(descriptor, async () => bytesOf(bytes));
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaType.ociManifest,
    artifactType: "application/vnd.example",
    config: empty.descriptor,
    layers: documents.map(({ descriptor }, number) => ({
      ...descriptor,
      annotations: layers[number]?.annotations,
    })),
  };
  await repository.putManifest(createManifestDocument(manifest), { tags: ["v1"] });
  return repository;
}

const titled = (name: string, content = name) => ({
  annotations: { [title]: name },
  bytes: Buffer.from(content),
});

interface Entry {
  readonly name: string;
  readonly type?: string;
  readonly link?: string;
  readonly content?: string;
  readonly size?: number;
}

function tarOf(entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap(({ name, type = "0", link = "", content = "", size }) => {
    const bytes = Buffer.from(content);
    const header = Buffer.from(formatTarHeader({ name, type, size: size ?? bytes.byteLength }));
    header.write(link, 157);
    header.write("        ", 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, bytes, Buffer.alloc(paddedSize(bytes.byteLength) - bytes.byteLength)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

const packed = (entries: readonly Entry[], annotations: Readonly<Record<string, string>> = {}) => ({
  annotations: { [title]: "dir", "io.deis.oras.content.unpack": "true", ...annotations },
  bytes: gzipSync(tarOf(entries)),
});

test("a file is an artifact as ORAS makes it, byte for byte", async () => {
  const root = await directoryOf({ "hi.txt": "hello" });
  const repository = newRepository();
  await pushFiles(repository, [{ path: join(root, "hi.txt"), title: "hi.txt", mediaType: "text/plain" }], {
    artifactType: "application/vnd.example+type",
    annotations: { "org.opencontainers.image.created": "2024-01-01T00:00:00Z", a: "b" },
    tags: ["v1"],
  });
  const { bytes } = await repository.getManifest("v1");
  expect(Buffer.from(bytes).toString()).toBe(
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",' +
      '"artifactType":"application/vnd.example+type",' +
      '"config":{"mediaType":"application/vnd.oci.empty.v1+json",' +
      '"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"data":"e30="},' +
      '"layers":[{"mediaType":"text/plain",' +
      '"digest":"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","size":5,' +
      '"annotations":{"org.opencontainers.image.title":"hi.txt"}}],' +
      '"annotations":{"a":"b","org.opencontainers.image.created":"2024-01-01T00:00:00Z"}}',
  );
});

test("what nothing is said about has the media types that ORAS gives it", async () => {
  const root = await directoryOf({ "hi.txt": "hello", "dir/one": "1" });
  const repository = newRepository();
  await push(repository, root, "hi.txt", "dir");
  const { artifactType, layers } = await manifestAt(repository, "v1");
  expect(artifactType).toBe("application/vnd.unknown.artifact.v1");
  expect(layers.map((layer) => layer.mediaType)).toEqual([
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
  ]);
});

test("a directory says that it is to be unpacked, and what it hashes to without compression", async () => {
  const root = await directoryOf({ "dir/one": "1", "dir/below/two": "2" });
  const repository = newRepository();
  await push(repository, root, "dir");
  const [layer] = (await manifestAt(repository, "v1")).layers;
  if (layer === undefined) throw new Error("there is no layer");
  const { body } = await repository.getBlob(layer.digest);
  const tar = gunzipSync(await readAll(body, { limit: 100_000 }));
  expect(layer.annotations).toEqual({
    "io.deis.oras.content.digest": digestOf(tar),
    "io.deis.oras.content.unpack": "true",
    [title]: "dir",
  });
});

test("an artifact without files has the empty layer, and refers to its subject", async () => {
  const repository = newRepository();
  const image = createImage();
  await pushImage(repository, image);
  const options = { artifactType: "application/vnd.example.note", subject: image.document.descriptor };
  const { digest } = await pushFiles(repository, [], options);
  expect((await manifestAt(repository, digest)).layers).toMatchObject([
    { mediaType: mediaType.ociEmpty, size: 2 },
  ]);
  expect(await Array.fromAsync(repository.listReferrers(image.document.descriptor.digest))).toMatchObject([
    { digest, artifactType: "application/vnd.example.note" },
  ]);
});

const tree = {
  "a.txt": "first",
  "sub/b.txt": "second",
  "dir/one": "1",
  "dir/below/two": "2",
  "dir/empty": "",
};

test("files and directories come back as they were", async () => {
  const root = await directoryOf(tree);
  await chmod(join(root, "dir/one"), 0o755);
  const repository = newRepository();
  const descriptor = await push(repository, root, "a.txt", "sub/b.txt", "dir");
  const directory = join(await newDirectory(), "new");
  const result = await pullFiles({ repository, at: "v1" }, directory);
  expect(await filesBelow(directory)).toEqual(tree);
  expect(result).toMatchObject({ descriptor, untitled: [] });
  expect(result.files.map(({ path }) => path)).toEqual(
    ["a.txt", "sub/b.txt", "dir"].map((name) => join(directory, name)),
  );
  const modes = await Promise.all(["one", "below/two"].map((name) => stat(join(directory, "dir", name))));
  expect(modes.map(({ mode }) => mode & 0o111)).toEqual([0o111, 0]);
});

test("the same files are the same artifact, whatever their times and in whatever order they were made", async () => {
  const digests: string[] = [];
  for (const files of [tree, Object.fromEntries(Object.entries(tree).toReversed())]) {
    const root = await directoryOf(files);
    await utimes(join(root, "dir/one"), digests.length, digests.length);
    digests.push((await push(newRepository(), root, "a.txt", "dir")).digest);
  }
  expect(new Set(digests).size).toBe(1);
});

test("long names and names in other scripts come back", async () => {
  const files = { [`dir/${"long/".repeat(40)}name`]: "1", [`dir/${"é".repeat(60)}`]: "2", "dir/日本語": "3" };
  const repository = newRepository();
  await push(repository, await directoryOf(files), "dir");
  const directory = await newDirectory();
  await pullFiles({ repository, at: "v1" }, directory);
  expect(await filesBelow(directory)).toEqual(files);
});

test("a directory is sent on from where an upload broke off", async () => {
  const repository = newRepository();
  const parts: Buffer[] = [];
  vi.spyOn(repository, "putBlob").mockImplementation(async (_descriptor, open) => {
    for (const offset of [0, 40])
      parts.push(Buffer.from(await readAll(await open(offset), { limit: 100_000 })));
    return "uploaded";
  });
  await expect(push(repository, await directoryOf(tree), "dir")).rejects.toMatchObject({
    code: "MANIFEST_BLOB_UNKNOWN",
  });
  const [whole, rest] = parts.slice(-2);
  expect(whole?.subarray(40).equals(rest ?? Buffer.alloc(0))).toBe(true);
});

test("a file that changes while it is pushed throws DIGEST_MISMATCH", async () => {
  const root = await directoryOf({ "a.txt": "before" });
  const repository = newRepository();
  const putBlob = repository.putBlob.bind(repository);
  vi.spyOn(repository, "putBlob").mockImplementation(async (...given) => {
    await writeFile(join(root, "a.txt"), "behind");
    return putBlob(...given);
  });
  await expect(push(repository, root, "a.txt")).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
});

test.each([["/etc/passwd"], ["../up"], ["."], ["a/../../b"], [""], ["a\\b"], ["a\nb"]])(
  "a file cannot be pushed as %j",
  async (name) => {
    const root = await directoryOf({ a: "1" });
    const pushed = pushFiles(newRepository(), [{ path: join(root, "a"), title: name }]);
    await expect(pushed).rejects.toMatchObject({ code: "OPTION_INVALID" });
  },
);

test("a file without a title is called by its path, which must not lead out", async () => {
  const root = await directoryOf({ a: "1" });
  const pushed = pushFiles(newRepository(), [{ path: join(root, "a") }]);
  await expect(pushed).rejects.toMatchObject({ code: "OPTION_INVALID" });
});

test.each([
  ["two files of one name", ["a", "./a"]],
  ["a file in the place of a directory", ["a", "a/b"]],
])("%s cannot be pushed", async (_case, titles) => {
  const root = await directoryOf({ file: "1" });
  const files = titles.map((name) => ({ path: join(root, "file"), title: name }));
  await expect(pushFiles(newRepository(), files)).rejects.toMatchObject({ code: "OPTION_INVALID" });
});

test("a directory with a symbolic link is not pushed, nor what it leads to", async () => {
  const root = await directoryOf({ "dir/a": "1" });
  await symlink("/etc/passwd", join(root, "dir", "link"));
  const repository = newRepository();
  await expect(push(repository, root, "dir")).rejects.toMatchObject({ code: "OPTION_INVALID" });
  expect(await repository.headManifest("v1")).toBeUndefined();
});

test.each([
  ["artifactType", { artifactType: "no type" }],
  ["a time", { annotations: { "org.opencontainers.image.created": "yesterday" } }],
])("%s that is none throws OPTION_INVALID", async (_case, options) => {
  await expect(pushFiles(newRepository(), [], options)).rejects.toMatchObject({ code: "OPTION_INVALID" });
});

test.each(["/etc/passwd", "../up", "a/../../up", "..", "a\\..\\b", "a\u0000b"])(
  "a layer called %j throws MANIFEST_INVALID before anything is written (C33, CVE-2026-50163)",
  async (name) => {
    const repository = await craft(titled("good"), titled(name));
    const directory = await newDirectory();
    const pulled = pullFiles({ repository, at: "v1" }, join(directory, "out"));
    await expect(pulled).rejects.toMatchObject({ code: "MANIFEST_INVALID", side: "source" });
    expect(await readdir(directory)).toEqual([]);
  },
);

test.each([
  ["twice the same name", ["a", "./a"]],
  ["a file in the place of a directory", ["a", "a/b"]],
])("layers with %s throw MANIFEST_INVALID", async (_case, names) => {
  const repository = await craft(...names.map((name, number) => titled(name, String(number))));
  const pulled = pullFiles({ repository, at: "v1" }, await newDirectory());
  await expect(pulled).rejects.toMatchObject({ code: "MANIFEST_INVALID" });
});

const entry = (name: string): Entry => ({ name, content: "x" });
test.each([
  ["a symbolic link", [{ name: "dir/a", type: "2", link: "b" }]],
  ["a hard link (GHSA-fxhp-mv3v-67qp)", [entry("dir/b"), { name: "dir/a", type: "1", link: "dir/b" }]],
  ["a device", [{ name: "dir/a", type: "3" }]],
  ["a FIFO", [{ name: "dir/a", type: "6" }]],
  ["a path that leads out (GHSA-m37j-52j7-pjw7)", [entry("dir/../../a")]],
  ["a path beside it", [entry("other/a")]],
  ["a path that only begins like it", [entry("directory/a")]],
  ["an absolute path", [entry("/dir/a")]],
  ["a path with a backslash", [entry("dir/..\\a")]],
  ["a file twice", [entry("dir/a"), entry("dir/a")]],
  ["a file in the place of a directory", [entry("dir/a/b"), entry("dir/a")]],
  ["a directory in the place of a file", [entry("dir/a"), entry("dir/a/b")]],
  ["a file in its own place", [entry("dir")]],
  ["content that is cut short", [{ name: "dir/a", size: 100_000 }]],
])("a packed directory with %s throws STORAGE_INVALID and leaves nothing (C33)", async (_case, entries) => {
  const repository = await craft(packed([{ name: "dir/", type: "5" }, ...entries]));
  const directory = await newDirectory();
  const pulled = pullFiles({ repository, at: "v1" }, directory);
  await expect(pulled).rejects.toMatchObject({ code: "STORAGE_INVALID", side: "source" });
  expect(await readdir(directory)).toEqual([]);
});

test("a packed directory that is not what its annotation says throws DIGEST_MISMATCH", async () => {
  const repository = await craft(
    packed([entry("dir/a")], { "io.deis.oras.content.digest": digestOf(Buffer.from("")) }),
  );
  const pulled = pullFiles({ repository, at: "v1" }, await newDirectory());
  await expect(pulled).rejects.toMatchObject({ code: "DIGEST_MISMATCH", side: "source" });
});

test("a packed directory can be left packed", async () => {
  const layer = packed([{ name: "dir/a", type: "2", link: "b" }]);
  const directory = await newDirectory();
  await pullFiles({ repository: await craft(layer), at: "v1" }, directory, { keepArchives: true });
  expect((await readFile(join(directory, "dir.tar.gz"))).equals(layer.bytes)).toBe(true);
});

test("layers without a title are told and left", async () => {
  const repository = await craft(titled("a"), { bytes: Buffer.from("b") });
  const directory = await newDirectory();
  const { untitled } = await pullFiles({ repository, at: "v1" }, directory);
  expect(untitled).toMatchObject([{ digest: digestOf(Buffer.from("b")) }]);
  expect(await readdir(directory)).toEqual(["a"]);
});

test("an index throws UNSUPPORTED, and names what is in it", async () => {
  const repository = newRepository();
  const image = createImage();
  await pushImage(repository, createIndex({ manifests: [image] }), { tags: ["v1"] });
  const pulled = pullFiles({ repository, at: "v1" }, await newDirectory());
  const hint: unknown = expect.stringContaining(image.document.descriptor.digest);
  await expect(pulled).rejects.toMatchObject({ code: "UNSUPPORTED", side: "source", hint });
});

test("another file in its place is kept, and nothing else is put beside it, unless it shall be overwritten", async () => {
  const repository = await craft(titled("a", "new"), titled("b", "new"));
  const directory = await directoryOf({ b: "mine" });
  const pulled = pullFiles({ repository, at: "v1" }, directory);
  await expect(pulled).rejects.toMatchObject({ code: "OPTION_INVALID" });
  expect(await filesBelow(directory)).toEqual({ b: "mine" });
  await pullFiles({ repository, at: "v1" }, directory, { overwrite: true });
  expect(await filesBelow(directory)).toEqual({ a: "new", b: "new" });
});

test("what is there already and the same is no obstacle, so that a pull can be repeated", async () => {
  const root = await directoryOf(tree);
  const repository = newRepository();
  await push(repository, root, "a.txt", "dir");
  const directory = await directoryOf({ "dir/mine": "mine" });
  for (let times = 0; times < 2; times++) await pullFiles({ repository, at: "v1" }, directory);
  expect(await filesBelow(directory)).toMatchObject({ "dir/mine": "mine", "dir/one": "1", "a.txt": "first" });
});

test.each([
  ["a link in the place of a file", "a"],
  ["a link in the place of a directory", "sub/a"],
])("%s is not written through, even to overwrite (C32, CVE-2026-50163)", async (_case, name) => {
  const repository = await craft(titled(name, "new"));
  const outside = await directoryOf({ a: "theirs" });
  const directory = await newDirectory();
  await symlink(name === "a" ? join(outside, "a") : outside, join(directory, name.split("/")[0] ?? ""));
  const pulled = pullFiles({ repository, at: "v1" }, directory, { overwrite: true });
  await expect(pulled).rejects.toMatchObject({ code: "STORAGE_INVALID" });
  expect(await filesBelow(outside)).toEqual({ a: "theirs" });
});

test("content that is not what its digest says leaves nothing", async () => {
  const repository = await craft(titled("a"));
  vi.spyOn(repository, "getBlob").mockImplementation(async (digest) => ({
    descriptor: { mediaType: mediaType.octetStream, digest, size: 1 },
    body: bytesOf(Buffer.from("b")),
  }));
  const directory = await newDirectory();
  const pulled = pullFiles({ repository, at: "v1" }, directory);
  await expect(pulled).rejects.toMatchObject({ code: "DIGEST_MISMATCH", side: "source" });
  expect(await readdir(directory)).toEqual([]);
});

test("a pull that is aborted rejects with the reason and leaves nothing", async () => {
  const repository = await craft(titled("a"));
  const [controller, reason] = [new AbortController(), new Error("changed my mind")];
  const getBlob = repository.getBlob.bind(repository);
  vi.spyOn(repository, "getBlob").mockImplementation(async (...given) => {
    controller.abort(reason);
    return getBlob(...given);
  });
  const directory = await newDirectory();
  const pulled = pullFiles({ repository, at: "v1" }, directory, { signal: controller.signal });
  await expect(pulled).rejects.toBe(reason);
  expect(await readdir(directory)).toEqual([]);
});
