import { writeFileSync } from "node:fs";
import { chown, readdir, readlink, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { expectFailure, failureOf } from "../fixture/canary.ts";
import { useMachine } from "../fixture/machine.ts";
import { updateFile } from "./update-file.ts";

const text = (content: Uint8Array | undefined): string =>
  new TextDecoder().decode(content ?? new Uint8Array());
const bytes = (content: string): Uint8Array => new TextEncoder().encode(content);
const append =
  (more: string) =>
  (content: Uint8Array | undefined): Uint8Array =>
    bytes(text(content) + more);

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

describe("updateFile", () => {
  it("makes file and directory readable by their owner only, whatever the umask (CVE-2024-25621)", async () => {
    const machine = await useMachine();
    const before = process.umask(0);
    try {
      await updateFile(machine.path("new/config.json"), append("a"));
      await writeFile(machine.path("wide.json"), "a", { mode: 0o644 });
      await updateFile(machine.path("wide.json"), append("b"));
    } finally {
      process.umask(before);
    }
    expect(await modeOf(machine.path("new"))).toBe(0o700);
    expect(await modeOf(machine.path("new/config.json"))).toBe(0o600);
    expect(await modeOf(machine.path("wide.json"))).toBe(0o600);
    expect(await machine.read("wide.json")).toBe("ab");
  });

  it("replaces the file in one step and leaves nothing beside it", async () => {
    const machine = await useMachine();
    const file = await machine.write("d/config.json", "a");
    const { ino } = await stat(file);
    await updateFile(file, append("b"));
    expect((await stat(file)).ino).not.toBe(ino);
    expect(await readdir(machine.path("d"))).toEqual(["config.json"]);
  });

  it("leaves the file alone if there is nothing to change", async () => {
    const machine = await useMachine();
    const file = await machine.write("d/config.json", "a");
    const { ino } = await stat(file);
    await updateFile(file, () => undefined);
    expect((await stat(file)).ino).toBe(ino);
    expect(await readdir(machine.path("d"))).toEqual(["config.json"]);
  });

  it("leaves the file alone, and nothing beside it, if the change fails", async () => {
    const machine = await useMachine();
    const file = await machine.write("d/config.json", "a");
    const failure = failureOf(
      updateFile(file, () => {
        throw new Error("no change");
      }),
    );
    expect(await failure).toMatchObject({ code: "CREDENTIAL_UNAVAILABLE" });
    expect(await machine.read("d/config.json")).toBe("a");
    expect(await readdir(machine.path("d"))).toEqual(["config.json"]);
  });

  it("keeps a symbolic link and replaces what it names", async () => {
    const machine = await useMachine();
    await machine.write("real/config.json", "a");
    await symlink("real/config.json", machine.path("link.json"));
    await updateFile(machine.path("link.json"), append("b"));
    expect(await readlink(machine.path("link.json"))).toBe("real/config.json");
    expect(await machine.read("real/config.json")).toBe("ab");
  });

  it("creates what a symbolic link names", async () => {
    const machine = await useMachine();
    await symlink("real/config.json", machine.path("link.json"));
    await updateFile(machine.path("link.json"), append("a"));
    expect(await readlink(machine.path("link.json"))).toBe("real/config.json");
    expect(await machine.read("real/config.json")).toBe("a");
  });

  it.runIf(process.getuid?.() === 0)("leaves the file to its owner when root changes it", async () => {
    const machine = await useMachine();
    const file = await machine.write("config.json", "a");
    await chown(file, 4321, 4322);
    await updateFile(file, append("b"));
    expect(await stat(file)).toMatchObject({ uid: 4321, gid: 4322 });
  });

  it("loses no change of those that come at the same time", async () => {
    const machine = await useMachine();
    const names = ["a", "b", "c", "d", "e", "f"];
    await Promise.all(names.map((name) => updateFile(machine.path("config.json"), append(name))));
    expect((await machine.read("config.json")).split("").sort()).toEqual(names);
  });

  it("loses no change of a program that knows nothing of our lock", async () => {
    const machine = await useMachine();
    const file = await machine.write("config.json", "a");
    let calls = 0;
    await updateFile(file, (content) => {
      if (calls++ === 0) writeFileSync(file, "foreign");
      return append("b")(content);
    });
    expect([calls, await machine.read("config.json")]).toEqual([2, "foreignb"]);
  });

  it("gives up on a file that changes all the time", async () => {
    const machine = await useMachine();
    const file = await machine.write("config.json", "a");
    let calls = 0;
    const failure = await failureOf(
      updateFile(file, (content) => {
        writeFileSync(file, String(++calls));
        return append("b")(content);
      }),
    );
    expect(failure).toMatchObject({ code: "UNAVAILABLE" });
    expect(await machine.read("config.json")).toBe(String(calls));
  });

  it("waits for a lock that is held, until it is aborted", async () => {
    const machine = await useMachine();
    const lock = await machine.write("config.json.drayage-lock", "somebody");
    const reason = new Error("no longer wanted");
    const controller = new AbortController();
    const call = failureOf(
      updateFile(machine.path("config.json"), append("a"), { signal: controller.signal }),
    );
    await pause(50);
    await expect(machine.read("config.json")).rejects.toMatchObject({ code: "ENOENT" });
    controller.abort(reason);
    expect(await call).toBe(reason);
    expect(await machine.read("config.json.drayage-lock")).toBe("somebody");
    await rm(lock);
    await updateFile(machine.path("config.json"), append("a"));
    expect(await machine.read("config.json")).toBe("a");
  });

  it("takes over a lock that a crash has left", async () => {
    const machine = await useMachine();
    const lock = await machine.write("d/config.json.drayage-lock", "crashed");
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(lock, longAgo, longAgo);
    const names = ["a", "b", "c", "d", "e", "f"];
    await Promise.all(names.map((name) => updateFile(machine.path("d/config.json"), append(name))));
    expect((await machine.read("d/config.json")).split("").sort()).toEqual(names);
    expect(await readdir(machine.path("d"))).toEqual(["config.json"]);
  });

  it("removes the secrets that a killed process has left beside the file, and nobody else's files", async () => {
    const machine = await useMachine();
    const id = "be034549-12be-4861-8848-57518d7473bb";
    const left = [`config.json.${id}.tmp`, `config.json.drayage-lock.${id}`];
    const others = ["config.json.bak", `config.json.${id}`.slice(0, -1), `other.json.${id}.tmp`];
    const longAgo = new Date(Date.now() - 60_000);
    for (const name of [...left, ...others]) {
      await utimes(await machine.write(`d/${name}`, "secret"), longAgo, longAgo);
    }
    const young = `config.json.${id.replace("b", "a")}.tmp`;
    await machine.write(`d/${young}`, "somebody is at it");
    await updateFile(machine.path("d/config.json"), append("a"));
    expect((await readdir(machine.path("d"))).sort()).toEqual(["config.json", young, ...others].sort());
  });

  it("leaves a lock that somebody has taken over meanwhile", async () => {
    const machine = await useMachine();
    const lock = machine.path("config.json.drayage-lock");
    await updateFile(machine.path("config.json"), (content) => {
      writeFileSync(lock, "somebody");
      return append("a")(content);
    });
    expect(await machine.read("config.json.drayage-lock")).toBe("somebody");
  });

  it("says what is wrong where it cannot write", async () => {
    const machine = await useMachine();
    const file = await machine.write("file", "a");
    const failure = await failureOf(updateFile(`${file}/config.json`, append("a")));
    expectFailure(failure, "it cannot be written", "ENOTDIR");
  });
});
