import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { root } from "./workspace.ts";

const run = promisify(execFile);

it("the quickstart does what it says, in few requests, and leaves nothing behind", async () => {
  const directory = await mkdtemp(join(tmpdir(), "drayage-test-"));
  try {
    const program = join(root, "examples/quickstart/quickstart.ts");
    const args = ["--conditions=@drayage/source", program];
    const { stdout } = await run(process.execPath, args, { env: { ...process.env, TMPDIR: directory } });
    const took = [...stdout.matchAll(/^ {12}(\d+) requests?, /gm)].map(([, count]) => Number(count));
    // Three blobs and three manifests are pushed; the copy asks for the index and its two images, and for the three
    // blobs, at both sides, and sends them.
    expect(took).toEqual([3 * 2 + 3, 3 * 3 + 3 * 3, 2, 1, 1]);
    expect(stdout).toMatch(/^again {7}127\.0\.0\.1:\d+\/mirror\/hello:v1\n.*\n +unchanged, /m);
    expect(await readdir(directory)).toEqual([]);
  } finally {
    await rm(directory, { recursive: true });
  }
});
