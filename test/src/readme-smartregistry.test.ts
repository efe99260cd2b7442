import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { root } from "./workspace.ts";

const run = promisify(execFile);
const readme = readFileSync(join(root, "packages/compat/README.md"), "utf8");
const [example = ""] = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)]
  .map(([, code = ""]) => code)
  .filter((code) => code.includes("new SmartRegistry"));

/** Asks the server of the example, once it listens, and prints what it answers. */
const questions = `
import { once } from "node:events";
import { createHash } from "node:crypto";
await once(server, "listening");
const url = "http://127.0.0.1:" + server.address().port;
const content = Buffer.from("0123456789");
const digest = "sha256:" + createHash("sha256").update(content).digest("hex");
const refused = await registry.initiateUpload("library/app", "stranger");
const token = await registry.login({ username: "me", password: "secret" });
const { uploadId } = await registry.initiateUpload("library/app", token);
await registry.completeUpload(uploadId, digest, token, content);
const blob = url + "/v2/library/app/blobs/" + digest;
const answers = [
  await fetch(url + "/v2/"),
  await fetch(blob),
  await fetch(blob, { headers: { range: "bytes=2-4" } }),
  await fetch(url + "/v2/library/app/manifests/latest"),
];
console.log(refused.status);
for (const answer of answers) console.log(answer.status, await answer.text());
server.close();
`;

test("the example of SmartRegistry within Express serves what it says", async () => {
  const program = `${example.replace("app.listen(5000)", 'app.listen(0, "127.0.0.1")')}\n${questions}`;
  const args = ["--conditions=@drayage/source", "--input-type=module-typescript", "--eval", program];
  const { stdout } = await run(process.execPath, args, { cwd: join(root, "test") });
  expect(stdout.trimEnd().split("\n")).toEqual([
    "401",
    "200 {}",
    "200 0123456789",
    "206 234",
    '404 {"errors":[{"code":"MANIFEST_UNKNOWN","message":"library/app has no manifest latest"}]}',
  ]);
});
