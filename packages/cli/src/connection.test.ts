import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostsOf } from "./connection.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "drayage-cli-"));
  for (const name of ["ca", "cert", "key"]) await writeFile(join(directory, name), `the ${name}`);
});
afterAll(() => rm(directory, { recursive: true }));

describe("what is said about a host", () => {
  it("concerns that host and no other", async () => {
    const values = {
      "plain-http": ["a.example", "b.example:5000"],
      insecure: ["c.example"],
      ca: [`a.example=${join(directory, "ca")}`],
      cert: [`c.example=${join(directory, "cert")}`],
      key: [`C.example=${join(directory, "key")}`],
    };
    const registries = ["a.example", "b.example:5000", "c.example"];
    const hosts = await hostsOf(values, { registries });
    expect(hosts).toEqual({
      "a.example": { plainHttp: true, ca: "the ca" },
      "b.example:5000": { plainHttp: true },
      "c.example": { insecure: true, cert: "the cert", key: "the key" },
    });
  });

  it.each(["a.example", "=file", "a.example=", "a.example=/does/not/exist"])(
    "must be a host and a file that can be read: %s",
    async (text) => {
      await expect(hostsOf({ ca: [text] }, { registries: ["a.example"] })).rejects.toMatchObject({
        code: "OPTION_INVALID",
      });
    },
  );

  it.each(["plain-http", "insecure", "ca", "cert", "key"] as const)(
    "must be about a registry that is spoken to: --%s",
    async (option) => {
      const file = option.length > 4 ? "" : `=${join(directory, "key")}`;
      const given = hostsOf({ [option]: [`b.example${file}`] }, { registries: ["a.example", "c.example"] });
      await expect(given).rejects.toMatchObject({
        code: "OPTION_INVALID",
        message: `--${option} names "b.example", but this is about a.example and c.example`,
      });
    },
  );

  it("goes by any of the registry's names", async () => {
    const hosts = await hostsOf({ insecure: ["index.docker.io"] }, { registries: ["docker.io"] });
    expect(hosts).toEqual({ "docker.io": { insecure: true } });
  });
});
