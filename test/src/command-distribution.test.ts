import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { createClient } from "@drayage/client";
import { createImage, createIndex, pushImage } from "@drayage/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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

    beforeAll(async () => {
      source = await startDistribution();
      target = await startDistribution();
      const client = createClient();
      await pushImage(client.repository(`${source.host}/a`), index, { tags: ["v1"] });
      await client.close();
    });

    afterAll(async () => {
      await source.close();
      await target.close();
    });

    test("drayage copy gives the digest that skopeo inspects", async () => {
      await drayage("copy", `${source.host}/a:v1`, `${target.host}/b/c:v2`);
      const inspected = await Promise.all(
        [`${source.host}/a:v1`, `${target.host}/b/c:v2`].map((name) =>
          skopeo("inspect", "--tls-verify=false", "--format", "{{.Digest}}", `docker://${name}`),
        ),
      );
      const { digest } = index.document.descriptor;
      expect(inspected.map((text) => text.trim())).toEqual([digest, digest]);
      expect(await drayage("digest", `${target.host}/b/c:v2`)).toBe(`${digest}\n`);
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

async function drayage(...args: readonly string[]): Promise<string> {
  const command = new URL("../../packages/cli/src/bin.ts", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--conditions=@drayage/source",
    command,
    ...args,
  ]);
  return stdout;
}
