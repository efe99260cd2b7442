import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OciError } from "@drayage/oci";
import { describe, expect, onTestFinished, test } from "vitest";
import { parseConfig, readConfigFile } from "./config-file.ts";
import { optionError } from "./option-error.ts";

const options = {
  listen: { type: "string", value: "HOST:PORT", help: "" },
  storage: { type: "string", value: "DIR", isPath: true, help: "" },
  grace: { type: "string", value: "SECONDS", help: "" },
  "read-only": { type: "boolean", help: "" },
} as const;
const parse = (text: string) => parseConfig(text, { file: "/etc/drayage/serve.yaml", options });

describe("a file of options", () => {
  test.each([
    ["YAML", "# ours\nlisten: 127.0.0.1:5000\ngrace: 030\nread-only: true\n"],
    ["JSON", '{\n\t"listen": "127.0.0.1:5000",\n\t"grace": "030",\n\t"read-only": true\n}\n'],
  ])("is %s", async (_language, text) => {
    const { values } = await parse(text);
    expect(values).toEqual({ listen: "127.0.0.1:5000", grace: "030", "read-only": true });
  });

  test.each(["", "# nothing yet\n", "{}"])("may say nothing: %j", async (text) => {
    expect((await parse(text)).values).toEqual({});
  });

  test.each([
    ["data", "/etc/drayage/data"],
    ["../data", "/etc/data"],
    ["/var/lib/drayage", "/var/lib/drayage"],
    ["s3://images/prefix", "s3://images/prefix"],
    ["'memory:'", "memory:"],
    ['"-"', "-"],
    ['""', ""],
  ])("paths in it begin at its folder: %s is %s", async (text, storage) => {
    expect((await parse(`storage: ${text}`)).values).toEqual({ storage });
  });

  test.each([
    [
      "an option that there is not",
      "listen: a:1\nport: 5000\n",
      2,
      'there is no option "port"; there are listen, ',
    ],
    ["one by a name that objects have", "toString: x\n", 1, 'there is no option "toString"'],
    ["one that is no text", "\n\n1: x", 3, 'there is no option "1"'],
    ["another kind of value", "listen:\n  host: a\n", 1, '"listen" needs one HOST:PORT'],
    ["a list", "a: &x\nlisten: [a]\n", 1, 'there is no option "a"'],
    ["no value", "\ngrace:\n", 2, '"grace" needs one SECONDS'],
    ["yes for true", "read-only: yes\n", 1, '"read-only" needs true or false'],
    ["true for a text", "listen: true\n", 1, '"listen" needs one HOST:PORT'],
    ["an alias", "listen: &x a:1\nstorage: *x\n", 2, '"storage" needs one DIR'],
    ["the same twice", "listen: a:1\nlisten: b:1\n", 2, "Map keys must be unique"],
    ["half a text", '{"listen": "a:1,\n"grace": 5}', 1, ""],
    ["no map at all", "- listen\n", 1, "not a list of options"],
    ["a tag that nobody knows", "listen: !env HOST\n", 1, "Unresolved tag"],
    ["two documents", "listen: a:1\n---\nlisten: b:1\n", 2, "a second document"],
  ])("%s is refused, with the line", async (_what, text, line, message) => {
    const error: unknown = await parse(text).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "OPTION_INVALID" });
    expect(String(error)).toContain(`/etc/drayage/serve.yaml:${line}: ${message}`);
  });

  test("gives errors that are about one of its options their line, and leaves all others", async () => {
    const file = await parse("grace: 5\n\nlisten: 5000\n");
    expect(
      file.locate(optionError("listen", "--listen needs HOST:PORT", { hint: "as in a:1" })),
    ).toMatchObject({
      code: "OPTION_INVALID",
      message: "/etc/drayage/serve.yaml:3: --listen needs HOST:PORT",
      hint: "as in a:1",
      detail: { option: "listen" },
    });
    for (const other of [
      optionError("storage", "x"),
      new OciError("UNAVAILABLE", "x"),
      new Error("x"),
      "x",
    ]) {
      expect(file.locate(other)).toBe(other);
    }
  });

  test("that cannot be read, is no text or has no end is refused by its name", async () => {
    const folder = await mkdtemp(join(tmpdir(), "drayage-config-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const read = (name: string) => readConfigFile(join(folder, name), options);
    await writeFile(join(folder, "binary"), Buffer.from([0xff, 0xfe, 0x00]));
    await writeFile(join(folder, "large"), "#".repeat(1024 * 1024 + 1));
    await writeFile(join(folder, "good"), "listen: a:1");
    for (const name of ["none", "binary"]) {
      await expect(read(name)).rejects.toMatchObject({
        code: "OPTION_INVALID",
        message: `--config: ${join(folder, name)}: cannot be read`,
      });
    }
    await expect(read("large")).rejects.toThrow("more than 1 MiB");
    expect((await read("good")).values).toEqual({ listen: "a:1" });
  });
});
