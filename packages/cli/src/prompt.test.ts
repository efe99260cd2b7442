import { PassThrough, Readable, Writable } from "node:stream";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { promptLine, promptSecret, readSecret } from "./prompt.ts";

/** A terminal at which somebody types `keys`. */
function typing(keys: string) {
  const input = new PassThrough();
  input.write(keys);
  const written: string[] = [];
  const output = new Writable({ write: (chunk, _encoding, done) => done(void written.push(String(chunk))) });
  return { input, output, shown: () => written.join("") };
}

describe("a password that is typed", () => {
  test("is shown nowhere (C30)", async () => {
    const terminal = typing("canary\r");
    const secret = await promptSecret("Password: ", terminal);
    expect(secret.reveal()).toBe("canary");
    expect(terminal.shown()).toBe("Password: \n");
    expect(inspect(secret, { showHidden: true })).not.toContain("canary");
  });

  test("can be corrected while it is typed", async () => {
    const secret = await promptSecret("Password: ", typing("canarx\u007fy\r"));
    expect(secret.reveal()).toBe("canary");
  });

  test.each(["\r", "\u0004"])("may not be empty: %j", async (keys) => {
    await expect(promptSecret("Password: ", typing(keys))).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });

  test("is not waited for after an interrupt", async () => {
    const controller = new AbortController();
    const asked = promptSecret("Password: ", { ...typing(""), signal: controller.signal });
    controller.abort();
    await expect(asked).rejects.toThrow(/abort/i);
  });
});

test("a user name that is typed is shown", async () => {
  const terminal = typing("me\r");
  expect(await promptLine("User name: ", terminal)).toBe("me");
  expect(terminal.shown()).toMatch(/User name: .*me/);
});

describe("a password on standard input", () => {
  test.each([
    ["canary", "canary"],
    ["canary\n", "canary"],
    ["canary\r\n", "canary"],
    [" two words \n\n", " two words \n"],
  ])("%j is %j", async (text, password) => {
    expect((await readSecret(Readable.from([Buffer.from(text)]), {})).reveal()).toBe(password);
  });

  test.each(["", "\n"])("may not be empty: %j", async (text) => {
    const read = readSecret(Readable.from([Buffer.from(text)]), {});
    await expect(read).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });

  test("must be text, and is not quoted where it is not", async () => {
    const read = readSecret(Readable.from([Buffer.from([0x63, 0xff])]), {});
    await expect(read).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: "standard input is not UTF-8 text",
    });
  });

  test("is not read without end", async () => {
    const read = readSecret(Readable.from([new Uint8Array(64 * 1024 + 1)]), {});
    await expect(read).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  test("is not waited for after an interrupt", async () => {
    const controller = new AbortController();
    const read = readSecret(new PassThrough(), { signal: controller.signal });
    controller.abort();
    await expect(read).rejects.toThrow(/abort/i);
  });
});
