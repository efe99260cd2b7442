import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createDockerCredentialStore } from "@drayage/credentials-docker";
import { Secret } from "@drayage/oci";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseObject, root } from "../workspace.ts";

const processes = { timeout: 30_000 };
const minute = 60_000;

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "drayage-processes-"));
  file = join(directory, "config.json");
});
afterEach(() => rm(directory, { recursive: true }));

/** A process that logs in to `count` registries, one after the other, and names each that it is done with. */
function startLogins(
  prefix: string,
  { count, later = 0 }: { readonly count: number; readonly later?: number },
) {
  const script = `
    const { createDockerCredentialStore } = await import("@drayage/credentials-docker");
    const { Secret } = await import("@drayage/oci");
    const store = createDockerCredentialStore({
      file: ${JSON.stringify(file)},
      now: () => Date.now() + ${later},
    });
    for (let index = 0; index < ${count}; index++) {
      const registry = "${prefix}" + index + ".example";
      await store.set(registry, { type: "basic", username: "me", password: new Secret("x".repeat(20_000)) });
      console.log(registry);
    }
  `;
  const flags = ["--conditions=@drayage/source", "--input-type=module", "--eval", script];
  return spawn(process.execPath, flags, { cwd: `${root}/test`, stdio: ["ignore", "pipe", "inherit"] });
}

async function keptRegistries(): Promise<readonly string[]> {
  return Object.keys(parseObject(parseObject(JSON.parse(await readFile(file, "utf8")))["auths"]));
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

describe("logins of several processes", () => {
  test("at the same time lose none of each other's", processes, async () => {
    const children = ["a", "b", "c", "d", "e", "f"].map((prefix) => startLogins(prefix, { count: 4 }));
    await Promise.all(children.map(ended));
    expect(children.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(await keptRegistries()).toHaveLength(24);
    expect(await readdir(directory)).toEqual(["config.json"]);
  });

  test("that are killed leave the file whole and nothing that stays in the way", processes, async () => {
    const told: string[] = [];
    for (let round = 1; round <= 5; round++) {
      // The lock that a killed process has left is taken over when it is old: the next one's clock is later.
      const child = startLogins(`r${round}x`, { count: 1000, later: round * minute });
      let lines = 0;
      for await (const registry of createInterface({ input: child.stdout })) {
        told.push(registry);
        if (++lines === 2 * round) child.kill("SIGKILL");
      }
      await ended(child);
      expect(child.signalCode).toBe("SIGKILL");
      expect(await keptRegistries()).toEqual(expect.arrayContaining(told));
    }
    const store = createDockerCredentialStore({ file, now: () => Date.now() + 10 * minute });
    await store.set("last.example", { type: "basic", username: "me", password: new Secret("x") });
    expect(await keptRegistries()).toContain("last.example");
    expect(await readdir(directory)).toEqual(["config.json"]);
  });
});
