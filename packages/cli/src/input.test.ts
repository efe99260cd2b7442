import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAll } from "@drayage/oci";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bytesOfInput, openInput } from "./input.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "drayage-input-"));
  await writeFile(join(directory, "file"), "content");
});
afterAll(() => rm(directory, { recursive: true }));

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe("what the user gives", () => {
  it("is a file that can be read again and again, from anywhere", async () => {
    const input = await openInput(join(directory, "file"), {});
    expect(input.size).toBe(7);
    expect(text(await readAll(bytesOfInput(input, {}), { limit: 99 }))).toBe("content");
    const rest = input.size === undefined ? input.bytes : input.open(3);
    expect(text(await readAll(rest, { limit: 99 }))).toBe("tent");
  });

  it("is a stream if it is a pipe, whose size nobody knows", async () => {
    const pipe = join(directory, "pipe");
    execFileSync("mkfifo", [pipe]);
    const input = await openInput(pipe, {});
    expect(input.size).toBeUndefined();
    const [bytes] = await Promise.all([
      readAll(bytesOfInput(input, {}), { limit: 99 }),
      writeFile(pipe, "piped"),
    ]);
    expect(text(bytes)).toBe("piped");
  });

  it("is refused if it cannot be read", async () => {
    const absent = join(directory, "absent");
    const refusal = (message: string) => ({ code: "OPTION_INVALID", message });
    await expect(openInput(absent, {})).rejects.toMatchObject(refusal(`cannot read ${absent}`));
    await expect(openInput(directory, {})).rejects.toMatchObject(refusal(`${directory} is a directory`));
  });

  it("fails with a code when it can no longer be read", async () => {
    const file = join(directory, "removed");
    await writeFile(file, "x");
    const input = await openInput(file, {});
    await rm(file);
    await expect(readAll(bytesOfInput(input, {}), { limit: 99 })).rejects.toMatchObject({
      code: "UNAVAILABLE",
    });
  });
});
