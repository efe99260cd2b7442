import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testCertificate } from "@drayage/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTlsFiles } from "./tls-files.ts";

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "drayage-tls-"));
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await writeFile(at("cert"), testCertificate.cert);
  await writeFile(at("key"), testCertificate.key);
  await writeFile(at("other"), privateKey.export({ type: "pkcs8", format: "pem" }));
});
afterAll(() => rm(folder, { recursive: true }));

test("a certificate and its key are read, and none where none is named", async () => {
  const files = await readTlsFiles({ "tls-cert": at("cert"), "tls-key": at("key") });
  expect([String(files?.cert), String(files?.key)]).toEqual([testCertificate.cert, testCertificate.key]);
  expect(await readTlsFiles({})).toBeUndefined();
});

test.each([
  ["a certificate alone", { "tls-cert": "cert" }, "tls-cert", "--tls-cert needs --tls-key"],
  ["a key alone", { "tls-key": "key" }, "tls-key", "--tls-key needs --tls-cert"],
  ["no file", { "tls-cert": "none", "tls-key": "key" }, "tls-cert", "--tls-cert: cannot read "],
  ["the key for a certificate", { "tls-cert": "key", "tls-key": "key" }, "tls-cert", "is no certificate"],
  [
    "another's key",
    { "tls-cert": "cert", "tls-key": "other" },
    "tls-key",
    "is not the key of that certificate",
  ],
])("%s is refused", async (_case, names, option, message) => {
  const files = Object.fromEntries(Object.entries(names).map(([name, file]) => [name, at(file)]));
  const error: unknown = await readTlsFiles(files).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "OPTION_INVALID", detail: { option } });
  expect(String(error)).toContain(message);
});
