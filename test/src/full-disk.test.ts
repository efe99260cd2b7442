import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { pushFiles } from "@drayage/layout";
import { MemoryRegistry } from "@drayage/oci";
import { createHandler, listen } from "@drayage/registry";
import { createImage, pushImage } from "@drayage/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { commandLineOf } from "./command-process.ts";

const small = { size: 100_000, seed: 1 };
const large = { size: 3_000_000, seed: 2 };
const image = createImage({ layers: [small, large] });

/** Why a small disk cannot be had here: it is a mount that only one process sees, which not every system allows. */
const withoutMount: string | undefined = reasonAgainst();

function reasonAgainst(): string | undefined {
  try {
    execFileSync("unshare", ["-rm", "mount", "-t", "tmpfs", "none", "/tmp"], { stdio: "ignore" });
    return undefined;
  } catch {
    return " cannot be mounted here";
  }
}

/** Runs the command with a disk of a megabyte and a half at `directory`. Resolves to how it ended, and what is on the disk then. */
async function onSmallDisk(directory: string, args: readonly string[]) {
  const script = `
    mount -t tmpfs -o size=1536k none "$0" && cd "$0" && { "$@" 2>&1; echo "status $?"; }
    find . -type f | sort; find . -path '*blobs/*' -type f -exec sha256sum {} +`;
  const words = ["-rm", "sh", "-c", script, directory, ...commandLineOf(args)];
  const { stdout } = await promisify(execFile)("unshare", words);
  const [message = "", files = ""] = stdout.split(/^status /m);
  const [status, ...lines] = files.trim().split("\n");
  return { message, status: Number(status), files: lines.filter((line) => line.startsWith("./")), lines };
}

/** A registry that has the image as `app:v1` and a file as `app:file`, and a directory. */
async function prepare() {
  const directory = await mkdtemp(join(tmpdir(), "drayage-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const registry = new MemoryRegistry();
  const repository = registry.repository("app");
  await pushImage(repository, image, { tags: ["v1"] });
  await writeFile(join(directory, "file"), Buffer.alloc(large.size, "x"));
  await pushFiles(repository, [{ path: join(directory, "file"), title: "file" }], { tags: ["file"] });
  const server = await listen(createHandler(registry));
  onTestFinished(() => server.close());
  return { ref: `${server.host}/app`, directory };
}

describe.skipIf(withoutMount !== undefined)(`a small disk${withoutMount ?? ""}`, () => {
  test("that a layout does not fit on ends the copy with side and object named, and holds only whole blobs", async () => {
    const { ref, directory } = await prepare();
    const { message, status, files, lines } = await onSmallDisk(directory, [
      "copy",
      `${ref}:v1`,
      "oci:layout",
      "--concurrency=1",
    ]);
    expect(status).toBe(1);
    expect(message).toMatch(/^drayage: target: \S+: there is no room left on the disk \(STORAGE_FULL\)\n/);
    expect(files.filter((path) => path.includes(".drayage"))).toEqual([]);
    const sums = lines.filter((line) => !line.startsWith("./")).map((line) => line.split(/\s+/, 2));
    for (const [hex, path] of sums) expect(path?.endsWith(`/${hex}`)).toBe(true);
    expect(sums.length).toBeGreaterThan(0);
  });

  test.each(["oci-archive", "docker-archive"])(
    "that %s: does not fit on ends the copy with side and blob named, and holds nothing",
    async (scheme) => {
      const { ref, directory } = await prepare();
      const { message, status, files } = await onSmallDisk(directory, [
        "copy",
        `${ref}:v1`,
        `${scheme}:app.tar`,
      ]);
      expect(status).toBe(1);
      expect(message).toMatch(/target: \S+[0-9a-f]{64}: there is no room left.*STORAGE_FULL/);
      expect(files).toEqual([]);
    },
  );

  test("that a file does not fit on ends the pull with side and file named, and holds nothing", async () => {
    const { ref, directory } = await prepare();
    const { message, status, files } = await onSmallDisk(directory, ["pull", `${ref}:file`]);
    expect(status).toBe(1);
    expect(message).toMatch(/target: file: there is no room left.*STORAGE_FULL/);
    expect(files).toEqual([]);
  });
});
