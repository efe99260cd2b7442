import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { promisify } from "node:util";
import { Secret } from "@drayage/oci";
import { describe, expect, it, onTestFinished } from "vitest";
import { authOf, useMachine, type TestMachine } from "../fixture/machine.ts";
import { fromDockerConfig } from "./from-docker-config.ts";
import { createDockerCredentialStore } from "./store.ts";

const skopeo = "/usr/bin/skopeo";
const password = 'pass:wörd with "all" of it';
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  config: {
    mediaType: "application/vnd.oci.empty.v1+json",
    digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    size: 2,
  },
  layers: [],
});

/** A registry that gives one manifest to `me` and nothing to anybody else. Resolves to its host. */
async function listen(): Promise<string> {
  const server: Server = createServer((request, response) => {
    if (request.headers.authorization !== `Basic ${authOf("me", password)}`) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
    } else if (request.url?.includes("/manifests/") === true) {
      response.writeHead(200, { "content-type": "application/vnd.oci.image.manifest.v1+json" }).end(manifest);
    } else {
      response.writeHead(200).end("{}");
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `127.0.0.1:${address.port}`;
}

async function runSkopeo(machine: TestMachine, args: readonly string[], input = ""): Promise<string> {
  const run = promisify(execFile)(skopeo, args, { env: machine.env, timeout: 20_000 });
  run.child.stdin?.end(input);
  return (await run).stdout;
}

describe.runIf(existsSync(skopeo))("together with skopeo", () => {
  it.each(["where it does by default", "with --authfile"])(
    "we read what skopeo login writes %s",
    async (where) => {
      const [machine, registry] = [await useMachine(), await listen()];
      const files = where === "with --authfile" ? [machine.path("auth.json")] : undefined;
      const authfile = files?.flatMap((file) => ["--authfile", file]) ?? [];
      const login = ["login", "--tls-verify=false", "-u", "me", "--password-stdin", ...authfile, registry];
      await runSkopeo(machine, login, password);
      const credential = await fromDockerConfig({ env: machine.env, files })({
        registry,
        repository: "team/app",
      });
      const found = credential?.type === "basic" && [credential.username, credential.password.reveal()];
      expect(found).toEqual(["me", password]);
    },
  );

  it("skopeo uses what we have written, and no longer when we have removed it", async () => {
    const [machine, registry] = [await useMachine(), await listen()];
    const authfile = await machine.write("auth.json", {
      auths: { "other.example": { auth: authOf("a", "b") } },
    });
    const store = createDockerCredentialStore({ env: machine.env, file: authfile });
    const inspect = [
      "inspect",
      "--raw",
      "--tls-verify=false",
      "--authfile",
      authfile,
      `docker://${registry}/a:b`,
    ];
    await store.set(registry, { type: "basic", username: "me", password: new Secret(password) });
    expect(await runSkopeo(machine, inspect)).toBe(manifest);
    expect(await store.delete(registry)).toBe("deleted");
    await expect(runSkopeo(machine, inspect)).rejects.toMatchObject({ code: 1 });
  });

  it("skopeo finds what we have written for Docker Hub", async () => {
    const machine = await useMachine();
    const file = machine.path("auth.json");
    const store = createDockerCredentialStore({ env: machine.env, file });
    await store.set("docker.io", { type: "basic", username: "me", password: new Secret(password) });
    expect(await runSkopeo(machine, ["login", "--get-login", "--authfile", file, "docker.io"])).toBe("me\n");
  });

  it("skopeo logout removes what we have written, and leaves the rest", async () => {
    const machine = await useMachine();
    const file = await machine.write("auth.json", { auths: {}, unknown: { kept: true } });
    const store = createDockerCredentialStore({ env: machine.env, file });
    await store.set("reg.example", { type: "basic", username: "me", password: new Secret(password) });
    await store.set("other.example", { type: "basic", username: "me", password: new Secret(password) });
    await runSkopeo(machine, ["logout", "--authfile", file, "reg.example"]);
    const provider = fromDockerConfig({ env: machine.env, files: [file] });
    expect(await provider({ registry: "reg.example" })).toBeUndefined();
    expect(await provider({ registry: "other.example" })).toBeDefined();
  });
});
