import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFilesystemDriver, createHandler, createRegistry, listen } from "@drayage/registry";
import { createImage, pushImage } from "@drayage/testkit";
import { expect, onTestFinished, test } from "vitest";

const reason = reasonAgainst();

/** Why there can be no small disk here; on CI that is a failure instead. */
function reasonAgainst(): string | undefined {
  const isRoot = process.getuid?.() === 0;
  if (isRoot && process.platform === "linux") return undefined;
  if (process.env["CI"] === "true")
    throw new Error("CI has to mount a small disk, which takes root on Linux");
  return " takes root on Linux";
}

/** A disk of so many MiB that is gone after the test. */
function mountDisk(size: number): string {
  const directory = mkdtempSync(join(tmpdir(), "drayage-full-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}m`, "tmpfs", directory]);
  onTestFinished(() => {
    execFileSync("umount", [directory]);
    rmdirSync(directory);
  });
  return directory;
}

test.skipIf(reason !== undefined)(
  `a full disk is 503 with Retry-After, nothing is lost, and room makes it go on${reason ?? ""}`,
  async () => {
    const registry = createRegistry(createFilesystemDriver(mountDisk(8)));
    await using server = await listen(createHandler(registry));
    const uploads = `${server.url}/v2/a/blobs/uploads/`;
    const image = createImage();
    await pushImage(registry.repository("a"), image, { tags: ["v1"] });
    const large = Buffer.alloc(16 * 1024 * 1024, "x");
    const opened = await fetch(uploads, { method: "POST" });
    const location = server.url + (opened.headers.get("location") ?? "");

    const refused = await fetch(location, { method: "PATCH", body: large });
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toMatch(/^[0-9]+$/);
    expect(await refused.json()).toMatchObject({ errors: [{ code: "UNKNOWN" }] });
    expect((await fetch(`${server.url}/v2/a/manifests/v1`)).status).toBe(200);
    const status = await fetch(location);
    expect(status.status).toBe(204);
    const end = Number(status.headers.get("range")?.slice(2));
    expect(end).toBeLessThan(8 * 1024 * 1024);

    expect((await fetch(location, { method: "DELETE" })).status).toBe(204);
    const other = createImage({ seed: 1 });
    const { digest } = await pushImage(registry.repository("a"), other, { tags: ["v2"] });
    expect(await registry.repository("a").headManifest("v2")).toMatchObject({ digest });
  },
);
