import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@drayage/client";
import { bytesOfBlob, createBlob, createImage, createIndex, pushImage } from "@drayage/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drayage as run } from "./command-process.ts";
import { startDistribution, withoutDistribution, type DistributionRegistry } from "./distribution.ts";
import { skopeo, withoutSkopeo } from "./skopeo.ts";

const missing = withoutDistribution ?? withoutSkopeo;
const index = createIndex({
  manifests: [createImage({ layers: 3 }), createImage({ platform: "linux/arm64", layers: 2, seed: 1 })],
});

describe.skipIf(missing !== undefined)(
  `the command between two distribution registries${missing ?? ""}`,
  () => {
    let source: DistributionRegistry;
    let target: DistributionRegistry;
    let directory: string;

    beforeAll(async () => {
      source = await startDistribution();
      target = await startDistribution();
      const client = createClient();
      await pushImage(client.repository(`${source.host}/a`), index, { tags: ["v1"] });
      await client.close();
      directory = await mkdtemp(join(tmpdir(), "drayage-distribution-"));
    });

    afterAll(async () => {
      await source.close();
      await target.close();
      await rm(directory, { recursive: true });
    });

    test("drayage copy gives the digest that skopeo inspects", async () => {
      await drayage("copy", `${source.host}/a:v1`, `${target.host}/b/c:v2`);
      const names = [`${source.host}/a:v1`, `${target.host}/b/c:v2`];
      const { digest } = index.document.descriptor;
      expect(await Promise.all(names.map(digestBySkopeo))).toEqual([digest, digest]);
      expect(await drayage("digest", `${target.host}/b/c:v2`)).toBe(`${digest}\n`);
    });

    test("drayage manifest put and tag give what skopeo inspects", async () => {
      const [image] = index.manifests;
      const { bytes, descriptor } = image?.document ?? index.document;
      const put = await run(["manifest", "put", `${source.host}/a:put`, "-"], { input: bytes });
      expect(put).toEqual({ status: 0, stdout: `${descriptor.digest}\n`, stderr: "" });
      await drayage("tag", `${source.host}/a:put`, "one", "two");
      const names = ["put", "one", "two"].map((tag) => `${source.host}/a:${tag}`);
      expect(await Promise.all(names.map(digestBySkopeo))).toEqual(names.map(() => descriptor.digest));
    });

    test("drayage deletes a manifest by its digest, and says that this registry deletes no tags", async () => {
      const { digest } = index.document.descriptor;
      await drayage("copy", `${source.host}/a:v1`, `${target.host}/gone:v1`);
      const byTag = await run(["delete", `${target.host}/gone:v1`]);
      expect(byTag).toMatchObject({ status: 1, stdout: "" });
      expect(byTag.stderr).toMatch(
        /\(UNSUPPORTED\)\n {2}by its digest, the manifest is deleted with every tag/,
      );
      const name = `${target.host}/gone@${digest}`;
      expect(await drayage("manifest", "delete", name)).toBe(`deleted ${name}\n`);
      expect(await run(["digest", `${target.host}/gone:v1`])).toMatchObject({ status: 1, stdout: "" });
    });

    test("drayage puts a blob of unknown length, mounts it elsewhere, gets and deletes it", async () => {
      const blob = createBlob({ size: 9 * 1024 * 1024 });
      const { digest, size } = blob.descriptor;
      const put = await run(["blob", "put", `${target.host}/b`, "-"], { input: await bytesOfBlob(blob) });
      expect(put).toEqual({ status: 0, stdout: `${digest}\n`, stderr: "" });
      const mounted = `${target.host}/mounted@${digest}`;
      expect(await drayage("blob", "mount", mounted, "--from", "b")).toBe(`${digest}\n`);
      expect(JSON.parse(await drayage("blob", "head", mounted, "--json"))).toMatchObject({ digest, size });
      const file = join(directory, "blob");
      expect(await drayage("blob", "get", mounted, "--output", file)).toBe(`${file}\n`);
      expect((await stat(file)).size).toBe(size);
      expect(await drayage("blob", "delete", mounted)).toBe(`deleted ${mounted}\n`);
      expect(await run(["blob", "head", mounted])).toMatchObject({ status: 1, stdout: "" });
    });

    test("skopeo copies on, platform by platform, what drayage has copied", async () => {
      await drayage("copy", `${source.host}/a:v1`, `${target.host}/d:v1`);
      const tls = ["--src-tls-verify=false", "--dest-tls-verify=false"];
      const [from, to] = [`docker://${target.host}/d:v1`, `docker://${source.host}/e:v1`];
      await skopeo("copy", "--quiet", "--all", ...tls, from, to);
      expect(await drayage("digest", `${source.host}/e:v1`)).toBe(`${index.document.descriptor.digest}\n`);
    });
  },
);

async function digestBySkopeo(name: string): Promise<string> {
  const text = await skopeo("inspect", "--tls-verify=false", "--format", "{{.Digest}}", `docker://${name}`);
  return text.trim();
}

/** What the command prints; it has to succeed. */
async function drayage(...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run(args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}
