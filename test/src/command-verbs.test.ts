import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  bytesOf,
  digestOf,
  documentOf,
  mediaType,
  MemoryRegistry,
  readAll,
  standardQuirks,
  type Digest,
} from "@drayage/oci";
import { createHandler, listen, type RegistryServer } from "@drayage/registry";
import {
  bytesOfBlob,
  createArtifact,
  createBlob,
  createImage,
  createScriptedRegistry,
  pushImage,
  testCertificate,
  type ScriptedRegistryOptions,
} from "@drayage/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { drayage, startDrayage, textOf } from "./command-process.ts";

let registry: MemoryRegistry;
let server: RegistryServer;
let directory: string;

beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), "drayage-verbs-"))));
afterAll(() => rm(directory, { recursive: true }));
beforeEach(async () => {
  registry = new MemoryRegistry({ now: () => 0 });
  server = await listen(createHandler(registry));
});
afterEach(() => server.close());

const image = createImage({ layers: 2 });
const { digest } = image.document.descriptor;
const absent = digestOf(new TextEncoder().encode("absent"));
const text = new TextEncoder().encode("some content\n");
const textDigest = digestOf(text);
const done = (stdout: string) => ({ status: 0, stdout, stderr: "" });

const app = () => registry.repository("app");
const at = (name: string): string => `${server.host}/${name}`;
const pushApp = () => pushImage(app(), image, { tags: ["v1"] });
const pushText = () =>
  app().putBlob({ mediaType: mediaType.octetStream, digest: textDigest, size: text.byteLength }, async () =>
    bytesOf(text),
  );
const blobAt = async (name: string, of: Digest): Promise<string> =>
  new TextDecoder().decode(
    await readAll((await registry.repository(name).getBlob(of)).body, { limit: 1_000_000 }),
  );

async function fileOf(content: Uint8Array): Promise<string> {
  const file = join(directory, "given");
  await writeFile(file, content);
  return file;
}

describe("drayage manifest", () => {
  test("head tells its digest, media type and size, or fails", async () => {
    await pushApp();
    const { mediaType: type, size } = image.document.descriptor;
    expect(await drayage(["manifest", "head", at("app:v1")])).toEqual(
      done(`digest      ${digest}\nmedia type  ${type}\nsize        ${size} (${size} B)\n`),
    );
    const json = await drayage(["manifest", "head", "--json", at("app:v1")]);
    expect(JSON.parse(json.stdout)).toEqual(image.document.descriptor);
    expect(await drayage(["manifest", "head", at("app:v2")])).toEqual({
      status: 1,
      stdout: "",
      stderr: `drayage: there is no ${at("app:v2")} (MANIFEST_UNKNOWN)\n`,
    });
  });

  test("put stores a file byte for byte, under a tag, a digest or both", async () => {
    await pushApp();
    const spaced = documentOf(
      new TextEncoder().encode(`${new TextDecoder().decode(image.document.bytes)}\n`),
      image.document.descriptor.mediaType,
    );
    const file = await fileOf(spaced.bytes);
    const put = spaced.descriptor.digest;
    expect(await drayage(["manifest", "put", at(`app:v2@${put}`), file])).toEqual(done(`${put}\n`));
    expect(Buffer.from((await app().getManifest("v2")).bytes)).toEqual(Buffer.from(spaced.bytes));
    const sha512 = digestOf(spaced.bytes, "sha512");
    expect(await drayage(["manifest", "put", at(`app@${sha512}`), file])).toEqual(done(`${sha512}\n`));
    expect(await app().headManifest(sha512)).toBeDefined();
  });

  test("put takes standard input, and only what it has to be", async () => {
    await pushApp();
    const input = image.document.bytes;
    expect(await drayage(["manifest", "put", at("app:v3"), "-"], { input })).toEqual(done(`${digest}\n`));
    const wrong = await drayage(["manifest", "put", at(`app:v4@${absent}`), "-"], { input });
    expect(wrong).toMatchObject({ status: 1, stdout: "" });
    expect(wrong.stderr).toBe(`drayage: the manifest is ${digest}, not ${absent} (DIGEST_MISMATCH)\n`);
    expect(await app().headManifest("v4")).toBeUndefined();
  });

  test("put says what to do about blobs that are not there", async () => {
    const file = await fileOf(image.document.bytes);
    const { status, stderr } = await drayage(["manifest", "put", at("app:v1"), file]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/\(MANIFEST_BLOB_UNKNOWN\)\n {2}drayage blob put and drayage blob mount bring/);
  });

  test("put refuses what is no manifest before anything is sent", async () => {
    const { status, stderr } = await drayage(["manifest", "put", "localhost:1/app:v1", "-"], { input: "{}" });
    expect(status).toBe(1);
    expect(stderr).toMatch(/\(MANIFEST_INVALID\)\n$/);
  });

  test("delete removes it with its tags, by its digest only", async () => {
    await pushApp();
    const byTag = await drayage(["manifest", "delete", at("app:v1")]);
    expect(byTag).toMatchObject({ status: 2, stdout: "" });
    const name = at(`app@${digest}`);
    expect(await drayage(["manifest", "delete", name])).toEqual(done(`deleted ${name}\n`));
    expect(await app().headManifest("v1")).toBeUndefined();
    expect(await drayage(["manifest", "delete", name])).toEqual(done(`there was no ${name}\n`));
  });
});

describe("drayage blob", () => {
  test("get writes it byte for byte, to standard output or to a new file", async () => {
    await pushText();
    const name = at(`app@${textDigest}`);
    expect(await drayage(["blob", "get", name])).toEqual(done("some content\n"));
    const file = join(directory, "saved");
    expect(await drayage(["blob", "get", name, "-o", file])).toEqual(done(`${file}\n`));
    expect(await readFile(file)).toEqual(Buffer.from(text));
    const again = await drayage(["blob", "get", name, "-o", file]);
    expect(again).toMatchObject({
      status: 2,
      stderr: `drayage: ${file} is there already (OPTION_INVALID)\n`,
    });
    const mixed = await drayage(["blob", "get", name, "--json"]);
    expect(mixed).toMatchObject({ status: 2, stdout: "" });
    expect(await drayage(["blob", "get", at(`app@${absent}`)])).toMatchObject({ status: 1, stdout: "" });
  });

  test("C15: get fails and keeps no file if it is another blob than its digest says", async () => {
    const lying = createServer((_request, response) => response.end("something else\n")).listen(
      0,
      "127.0.0.1",
    );
    onTestFinished(() => void lying.close());
    await once(lying, "listening");
    const name = `127.0.0.1:${(lying.address() as AddressInfo).port}/app@${textDigest}`;
    const file = join(directory, "never");
    const { status, stdout, stderr } = await drayage(["blob", "get", name, "-o", file]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/\(DIGEST_MISMATCH\)\n$/);
    await expect(stat(file)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("get ends quietly when its reader has gone", async () => {
    const blob = createBlob({ size: 8 * 1024 * 1024 });
    await app().putBlob(blob.descriptor, blob.open);
    const child = startDrayage(["blob", "get", at(`app@${blob.descriptor.digest}`)]);
    const stderr = textOf(child.stderr);
    await once(child.stdout, "data");
    child.stdout.destroy();
    await once(child, "close");
    expect({ status: child.exitCode, stderr: await stderr }).toEqual({ status: 0, stderr: "" });
  });

  test("head tells its size, or fails", async () => {
    await pushText();
    const { stdout } = await drayage(["blob", "head", at(`app@${textDigest}`), "--json"]);
    expect(JSON.parse(stdout)).toEqual({ mediaType: mediaType.octetStream, digest: textDigest, size: 13 });
    expect(await drayage(["blob", "head", at(`app@${absent}`)])).toEqual({
      status: 1,
      stdout: "",
      stderr: `drayage: there is no ${at(`app@${absent}`)} (BLOB_UNKNOWN)\n`,
    });
  });

  test("put uploads a file once", async () => {
    const file = await fileOf(text);
    const first = await drayage(["blob", "put", at("app"), file]);
    expect(first).toEqual(done(`${textDigest}\n`));
    expect(await blobAt("app", textDigest)).toBe("some content\n");
    const second = await drayage(["blob", "put", "--json", at(`app@${textDigest}`), file]);
    expect(JSON.parse(second.stdout)).toEqual({ digest: textDigest, size: 13, result: "present" });
  });

  test("put streams standard input, however long it is", async () => {
    const blob = createBlob({ size: 20 * 1024 * 1024 + 5 });
    const input = await bytesOfBlob(blob);
    expect(await drayage(["blob", "put", at("app"), "-"], { input })).toEqual(
      done(`${blob.descriptor.digest}\n`),
    );
    expect(await app().headBlob(blob.descriptor.digest)).toMatchObject({ size: input.byteLength });
    expect(await drayage(["blob", "put", at("app"), "-"])).toEqual(done(`${digestOf(new Uint8Array())}\n`));
  });

  test("put takes only what it has to be, and fails without a file", async () => {
    const wrong = await drayage(["blob", "put", at(`app@${absent}`), "-"], { input: text });
    expect(wrong).toMatchObject({ status: 1, stdout: "" });
    expect(wrong.stderr).toBe(`drayage: the content is ${textDigest}, not ${absent} (DIGEST_MISMATCH)\n`);
    const none = await drayage(["blob", "put", at("app"), join(directory, "absent")]);
    expect(none).toMatchObject({ status: 2, stdout: "" });
  });

  test("mount takes it over from another repository, or says why it is not there", async () => {
    await pushText();
    const name = at(`b@${textDigest}`);
    expect(await drayage(["blob", "mount", name, "--from", "app"])).toEqual(done(`${textDigest}\n`));
    expect(await blobAt("b", textDigest)).toBe("some content\n");
    expect(await drayage(["blob", "mount", at(`c@${absent}`), "--from", "app"])).toEqual({
      status: 1,
      stdout: "",
      stderr: `drayage: there is no ${at(`app@${absent}`)} (BLOB_UNKNOWN)\n`,
    });
  });

  test("mount says that a registry does not do it", async () => {
    const scripted = await openScripted({ quirks: { ...standardQuirks, mount: "none" } });
    await scripted.content.add("app", image, { tags: ["v1"] });
    const [layer] = image.layers;
    const name = `${scripted.host()}/b@${layer?.descriptor.digest}`;
    const { status, stderr } = await drayage(["blob", "mount", name, "--from", "app"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/has not mounted sha256:\S+ \(UNSUPPORTED\)\n {2}drayage blob get … \|/);
  });

  test("delete removes it from the repository", async () => {
    await pushText();
    const name = at(`app@${textDigest}`);
    expect(await drayage(["blob", "delete", name])).toEqual(done(`deleted ${name}\n`));
    expect(await drayage(["blob", "delete", name, "--json"])).toEqual(
      done(`${JSON.stringify({ digest: textDigest, result: "absent" })}\n`),
    );
  });
});

describe("drayage tag", () => {
  test("lets tags point to what another one points to", async () => {
    await pushApp();
    expect(await drayage(["tag", at("app:v1"), "v2", "latest"])).toEqual(
      done(`${at(`app:v2@${digest}`)}\n${at(`app:latest@${digest}`)}\n`),
    );
    expect(await app().headManifest("latest")).toEqual(image.document.descriptor);
    expect(await drayage(["tag", at("app:v9"), "v2"])).toMatchObject({ status: 1, stdout: "" });
    expect(await drayage(["tag", at("app:v1"), "not a tag"])).toMatchObject({ status: 2, stdout: "" });
  });
});

describe("drayage delete", () => {
  test("removes a tag and nothing else", async () => {
    await pushImage(app(), image, { tags: ["v1", "v2"] });
    expect(await drayage(["delete", at("app:v1")])).toEqual(done(`deleted ${at("app:v1")}\n`));
    expect(await app().headManifest("v1")).toBeUndefined();
    expect(await app().headManifest("v2")).toBeDefined();
    expect(await drayage(["delete", at("app:v1")])).toEqual(done(`there was no ${at("app:v1")}\n`));
  });

  test("removes a tag only from the digest that is named", async () => {
    await pushApp();
    const moved = await drayage(["delete", at(`app:v1@${absent}`)]);
    expect(moved).toMatchObject({ status: 1, stdout: "" });
    expect(moved.stderr).toMatch(/\(PRECONDITION_FAILED\)\n$/);
    expect(await drayage(["delete", at(`app:v1@${digest}`)])).toMatchObject({ status: 0 });
  });

  test("removes a manifest by its digest, with every tag", async () => {
    await pushImage(app(), image, { tags: ["v1", "v2"] });
    expect(await drayage(["delete", at(`app@${digest}`)])).toMatchObject({ status: 0 });
    expect(await app().headManifest("v2")).toBeUndefined();
  });

  test("does not take latest for granted", async () => {
    await pushImage(app(), image, { tags: ["latest"] });
    const { status, stderr } = await drayage(["delete", at("app")]);
    expect(status).toBe(2);
    expect(stderr).toBe(
      `drayage: neither a tag nor a digest is named: "${at("app")}" (REFERENCE_INVALID)\n` +
        `  write ${at("app:latest")} if that is meant\n`,
    );
    expect(await app().headManifest("latest")).toBeDefined();
  });

  test("says what to do where a registry deletes no tags", async () => {
    const scripted = await openScripted({ quirks: { ...standardQuirks, deleteTag: 405 } });
    await scripted.content.add("app", image, { tags: ["v1"] });
    const { status, stderr } = await drayage(["delete", `${scripted.host()}/app:v1`]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/\(UNSUPPORTED\)\n {2}by its digest, the manifest is deleted with every tag/);
  });
});

test("drayage referrers lists what refers to a manifest, of one type or of all", async () => {
  const subject = await pushApp();
  const [sbom, signature] = await Promise.all(
    ["application/vnd.sbom", "application/vnd.signature"].map((artifactType) =>
      pushImage(app(), createArtifact({ artifactType, subject })),
    ),
  );
  const lines = [
    `${sbom?.digest}  application/vnd.sbom\n`,
    `${signature?.digest}  application/vnd.signature\n`,
  ];
  const all = await drayage(["referrers", at("app:v1")]);
  expect(all).toEqual(done(lines.toSorted().join("")));
  const one = await drayage(["referrers", at(`app@${digest}`), "--artifact-type", "application/vnd.sbom"]);
  expect(one).toEqual(done(lines[0] ?? ""));
  const json = await drayage(["referrers", at("app:v1"), "--json"]);
  expect(
    json.stdout
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line)),
  ).toHaveLength(2);
  expect(await drayage(["referrers", at("app:v2")])).toMatchObject({ status: 1, stdout: "" });
});

describe("drayage --trace", () => {
  const password = "c4n4ry-do-not-print";

  test("C24, C30: shows every request and token on stderr, and no secret", async () => {
    const scripted = await openScripted({ auth: { bearer: { users: { me: password } } } });
    await scripted.content.add("app", image, { tags: ["v1"] });
    const file = join(directory, "auth.json");
    const auth = Buffer.from(`me:${password}`).toString("base64");
    await writeFile(file, JSON.stringify({ auths: { [scripted.host()]: { auth } } }), { mode: 0o600 });
    const env = { REGISTRY_AUTH_FILE: file };
    const name = `${scripted.host()}/app:v1`;
    const { stdout, stderr } = await drayage(["digest", name, "--trace", "--quiet"], { env });
    expect(stdout).toBe(`${digest}\n`);
    expect(
      stderr.replaceAll(/\d+ ms(?:, \d+ B)?/g, "…").replaceAll(scripted.host(), "HOST"),
    ).toMatchSnapshot();
    const json = await drayage(["digest", name, "--trace", "--json"], { env });
    const events = json.stderr
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(events).toContainEqual(expect.objectContaining({ type: "token", credential: "basic" }));
    for (const secret of [password, auth, "token-"]) {
      expect(stderr + json.stderr).not.toContain(secret);
    }
  });

  test("is quiet without it", async () => {
    await pushApp();
    expect(await drayage(["digest", at("app:v1")])).toEqual(done(`${digest}\n`));
  });
});

describe("what is said about hosts", () => {
  test("--plain-http speaks http to a host that is not loopback", async () => {
    const scripted = await openScripted({ origins: ["registry.test"] });
    await scripted.content.add("app", image, { tags: ["v1"] });
    const name = `${scripted.host()}/app:v1`;
    expect(await drayage(["digest", name, "--plain-http", scripted.host()])).toEqual(done(`${digest}\n`));
  });

  test("--ca and --insecure make a certificate good, --cert and --key show ours", async () => {
    const scripted = await openScripted({ origins: ["registry.test"], tls: testCertificate });
    await scripted.content.add("app", image, { tags: ["v1"] });
    const [cert, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
    await writeFile(cert, testCertificate.cert);
    await writeFile(key, testCertificate.key);
    const host = scripted.host();
    const name = `${host}/app:v1`;
    const refused = await drayage(["digest", name]);
    expect(refused).toMatchObject({ status: 1, stdout: "" });
    expect(refused.stderr).toContain("(CONNECTION_FAILED)");
    expect(await drayage(["digest", name, "--insecure", host])).toEqual(done(`${digest}\n`));
    expect(scripted.ledger.map(({ hasCertificate }) => hasCertificate)).toEqual([false]);
    const ours = ["--ca", `${host}=${cert}`, "--cert", `${host}=${cert}`, "--key", `${host}=${key}`];
    expect(await drayage(["digest", name, ...ours])).toEqual(done(`${digest}\n`));
    expect(scripted.ledger.map(({ hasCertificate }) => hasCertificate)).toEqual([false, true]);
  });

  test("is refused if it is about a host that is not spoken to", async () => {
    const { status, stderr } = await drayage(["ls", "localhost:1", "--plain-http", "localhost:2"]);
    expect(status).toBe(2);
    expect(stderr).toBe(
      'drayage: --plain-http names "localhost:2", but this is about localhost:1 (OPTION_INVALID)\n',
    );
  });
});

describe("the proxy of the environment", () => {
  test("is asked for a host that is not this machine, unless NO_PROXY names it", async () => {
    const asked: (string | undefined)[] = [];
    const proxy = createServer().on("connect", ({ url }, socket) => {
      asked.push(url);
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    onTestFinished(() => void proxy.close());
    await once(proxy.listen(0, "127.0.0.1"), "listening");
    const { port } = proxy.address() as AddressInfo;
    const env = { HTTPS_PROXY: `http://127.0.0.1:${port}`, NO_PROXY: "direct.test" };
    const through = await drayage(["ping", "registry.test"], { env });
    expect(through.status).toBe(1);
    await drayage(["ping", "direct.test"], { env });
    await drayage(["ping", server.host], { env });
    expect(asked).toEqual(["registry.test:443"]);
  });
});

describe("a server", () => {
  test("that wants a login is alive", async () => {
    const scripted = await openScripted({ auth: { basic: { me: "secret" } } });
    const { status, stdout } = await drayage(["ping", scripted.host()]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\S+ answers and needs a login \(\d+ ms\)\n$/);
  });

  test.each([
    [["ping"]],
    [["digest", "/app:v1"]],
    [["manifest", "get", "/app:v1"]],
    [["ls"]],
    [["ls", "/app"]],
  ])("that is no registry is called so: %j", async ([...words]) => {
    const web = createServer((_request, response) => response.writeHead(404).end("<html>")).listen(
      0,
      "127.0.0.1",
    );
    onTestFinished(() => void web.close());
    await once(web, "listening");
    const host = `127.0.0.1:${(web.address() as AddressInfo).port}`;
    const path = words.at(-1)?.startsWith("/") === true ? words.pop() : "";
    const { status, stdout, stderr } = await drayage([...words, `${host}${path}`]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toBe(
      `drayage: ${host} answers, but is no registry: GET http://${host}/v2/ is 404 (UNSUPPORTED)\n` +
        "  another host or port may be meant\n",
    );
  });

  test("is not looked for on Docker Hub if a repository is missing", async () => {
    const { status, stderr } = await drayage(["inspect", server.host]);
    expect(status).toBe(2);
    expect(stderr).toBe(
      `drayage: "${server.host}" is a registry, and no repository of it is named (REFERENCE_INVALID)\n` +
        `  write ${server.host}/REPOSITORY\n`,
    );
  });
});

async function openScripted({ origins = ["127.0.0.1"], ...options }: Partial<ScriptedRegistryOptions>) {
  const scripted = await createScriptedRegistry({ origins, ...options });
  onTestFinished(() => scripted.close());
  return scripted;
}
