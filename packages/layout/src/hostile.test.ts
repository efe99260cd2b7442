import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bytesOf, isOciError, readAll, type Source, type Target } from "@drayage/oci";
import { createImage, pushImage } from "@drayage/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { openArchive, type OpenedArchive } from "./archive.ts";
import { writeArchive } from "./archive-writer.ts";
import { unpack } from "./artifact/unpack.ts";
import { writeDockerArchive } from "./docker-archive-writer.ts";
import { openDockerArchive } from "./docker-archive.ts";
import { expand } from "./expand.ts";
import { formatTarHeader, paddedSize } from "./tar/header.ts";

const image = createImage({ layers: 2 });

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-hostile-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

/** One entry, its header changed by `change` before its checksum is made right. */
function entry(
  name: string,
  {
    type = "0",
    content = "",
    change,
  }: { type?: string; content?: string; change?: (header: Buffer) => void } = {},
): Buffer {
  const bytes = Buffer.from(content);
  const header = Buffer.from(formatTarHeader({ name, type, size: bytes.byteLength }));
  change?.(header);
  header.write("        ", 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc(paddedSize(bytes.byteLength) - bytes.byteLength)]);
}

/** An extended header that says this. */
const pax = (key: string, value: string, type = "x"): Buffer => {
  const rest = ` ${key}=${value}\n`;
  const length = [2, 3, 4, 5].find((digits) => String(rest.length + digits).length === digits) ?? 0;
  return entry("pax", { type, content: `${rest.length + length}${rest}` });
};

const end = Buffer.alloc(1024);
const blob = "blobs/sha256/aa";
const size = (text: string) => (header: Buffer) => void header.write(text, 124, "latin1");

const archives: readonly (readonly [string, "STORAGE_INVALID" | "LIMIT_EXCEEDED", readonly Buffer[]])[] = [
  ["a pax path that leads out", "STORAGE_INVALID", [pax("path", "../etc/passwd"), entry(blob)]],
  ["a pax path that is absolute", "STORAGE_INVALID", [pax("path", "/etc/passwd"), entry(blob)]],
  [
    "a long name of GNU that leads out",
    "STORAGE_INVALID",
    [entry("l", { type: "L", content: "../a\0" }), entry(blob)],
  ],
  [
    "a pax path that another entry has",
    "STORAGE_INVALID",
    [entry(blob), pax("path", blob), entry("harmless")],
  ],
  ["a pax size beyond its end", "STORAGE_INVALID", [pax("size", "999999999999"), entry(blob)]],
  ["a pax size that is negative", "STORAGE_INVALID", [pax("size", "-512"), entry(blob)]],
  ["a pax size that is no whole number", "STORAGE_INVALID", [pax("size", "1e3"), entry(blob)]],
  [
    "a pax record that is longer than its header",
    "STORAGE_INVALID",
    [entry("pax", { type: "x", content: "99 path=a\n" })],
  ],
  ["a pax record without a key", "STORAGE_INVALID", [entry("pax", { type: "x", content: "6 =ab\n" })]],
  [
    "a pax record whose length leads back",
    "STORAGE_INVALID",
    [entry("pax", { type: "x", content: "0 path=a\n" })],
  ],
  [
    "a pax header of a megabyte",
    "LIMIT_EXCEEDED",
    [entry("pax", { type: "x", content: "a".repeat(2 ** 20) })],
  ],
  ["a long name of a megabyte", "LIMIT_EXCEEDED", [entry("l", { type: "L", content: "a".repeat(2 ** 20) })]],
  ["pax headers without end", "LIMIT_EXCEEDED", Array.from({ length: 100 }, () => pax("path", "a"))],
  [
    "a size in base 256 that is negative",
    "STORAGE_INVALID",
    [entry(blob, { change: size("\xff".repeat(12)) })],
  ],
  [
    "a size in base 256 beyond 2^53",
    "STORAGE_INVALID",
    [entry(blob, { change: size(`\x80\0\0\0${"\xff".repeat(8)}`) })],
  ],
  ["a size that is no number", "STORAGE_INVALID", [entry(blob, { change: size("0000000000x\0") })]],
  ["content that is cut short", "STORAGE_INVALID", [entry(blob, { change: size("00000077777\0") })]],
  ["a header whose checksum is wrong", "STORAGE_INVALID", [Buffer.from(entry(blob)).fill("c", 0, 1)]],
];

test.each(archives)("an archive with %s throws %s when it is opened (C33)", async (_case, code, entries) => {
  const path = join(await newDirectory(), "crafted.tar");
  await writeFile(path, Buffer.concat([...entries, end]));
  await expect(openArchive(path)).rejects.toMatchObject({ code });
  await expect(openDockerArchive(path)).rejects.toMatchObject({ code });
});

test.each(archives)("a packed directory with %s throws %s (C33)", async (_case, code, entries) => {
  const root = await newDirectory();
  const bytes = bytesOf(Buffer.concat([...entries, ...(code === "LIMIT_EXCEEDED" ? [] : [end])]));
  const unpacked = unpack(bytes, { root, title: "blobs" });
  await expect(unpacked).rejects.toMatchObject({ code });
});

test("global pax headers say nothing of an entry (C33)", async () => {
  const path = join(await newDirectory(), "crafted.tar");
  const layout = [
    entry("oci-layout", { content: '{"imageLayoutVersion":"1.0.0"}' }),
    entry("index.json", { content: "{}" }),
  ];
  await writeFile(path, Buffer.concat([pax("path", "../out", "g"), pax("size", "1", "g"), ...layout, end]));
  const archive = await openArchive(path);
  onTestFinished(() => archive.close());
  expect(await Array.fromAsync(archive.listTags())).toEqual([]);
});

test("a bomb in a packed directory throws LIMIT_EXCEEDED before it is all on the disk (C33, CVE-2023-25153)", async () => {
  const zeros = 32 * 1024 * 1024;
  const header = entry("dir/zeros", { change: size(`${zeros.toString(8).padStart(11, "0")}\0`) });
  const bomb = gzipSync(Buffer.concat([header, Buffer.alloc(zeros), end]));
  const expanded = expand(bytesOf(bomb), "gzip", { limitOf: () => 1024 * 1024 });
  const unpacked = unpack(expanded, { root: await newDirectory(), title: "dir" });
  await expect(unpacked).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
});

/** Everything that an archive says it has. */
async function readWhole(archive: OpenedArchive): Promise<void> {
  try {
    for await (const tag of archive.listTags()) await archive.getManifest(tag);
    for (const { descriptor } of image.blobs) await readBlob(archive, descriptor);
  } finally {
    await archive.close();
  }
}

async function readBlob(
  source: Source,
  { digest }: (typeof image.blobs)[number]["descriptor"],
): Promise<void> {
  if ((await source.headBlob(digest)) === undefined) return;
  await readAll((await source.getBlob(digest)).body, { limit: 1_000_000 });
}

const fill = (target: Target) => pushImage(target, image, { tags: ["v1"] });
describe.each([
  ["an archive of a layout", (path: string) => writeArchive(path, fill), openArchive],
  [
    "an archive for docker",
    (path: string) => writeDockerArchive(path, fill, { name: "a" }),
    openDockerArchive,
  ],
])("%s", (_case, write, open) => {
  /** How reading `bytes` fails, if it does. */
  const failureOf = async (path: string, bytes: Uint8Array): Promise<unknown> => {
    await writeFile(path, bytes);
    return open(path)
      .then(readWhole)
      .then(
        () => undefined,
        (error: unknown) => error,
      );
  };

  test("that is cut short anywhere fails with a code, or has lost its end only (C33)", async () => {
    const path = join(await newDirectory(), "app.tar");
    await write(path);
    const whole = await readFile(path);
    const lengths = Array.from({ length: Math.ceil(whole.byteLength / 256) }, (_, number) => 256 * number);
    const failures: unknown[] = [];
    for (const length of lengths) failures.push(await failureOf(path, whole.subarray(0, length)));
    const wholeFrom = lengths[failures.indexOf(undefined)] ?? 0;
    expect(whole.byteLength - wholeFrom).toBeLessThanOrEqual(end.byteLength + 512);
    expect(failures.filter((failure) => failure !== undefined && !isOciError(failure))).toEqual([]);
  });

  test("with changed bytes fails with a code or not at all (C33)", async () => {
    const path = join(await newDirectory(), "app.tar");
    await write(path);
    const whole = await readFile(path);
    const failures: unknown[] = [];
    for (let number = 0; number < 300; number++) {
      const changed = Buffer.from(whole);
      for (let at = 0; at < 3; at++) {
        changed[(number * 7919 + at * 104_729) % whole.byteLength] = (number * 31 + at) & 255;
      }
      failures.push(await failureOf(path, changed));
    }
    expect(failures.filter((failure) => failure !== undefined && !isOciError(failure))).toEqual([]);
  });
});
