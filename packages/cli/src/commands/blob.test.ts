import { Writable } from "node:stream";
import { expect, it } from "vitest";
import { createPrinter } from "../print.ts";
import { blob } from "./blob.ts";

it("C24: a blob does not get to a terminal, which it could steer", async () => {
  const written: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      done();
    },
  });
  const terminal = Object.assign(stream, { isTTY: true });
  const options = { stdout: terminal, stderr: terminal, env: {}, json: false, quiet: false, trace: false };
  const command = blob.verbs?.["get"]?.parse([`localhost:1/app@sha256:${"0".repeat(64)}`]);
  const { signal } = new AbortController();
  await expect(command?.run({ print: createPrinter(options), signal })).rejects.toMatchObject({
    code: "OPTION_INVALID",
  });
  expect(written).toEqual([]);
});
