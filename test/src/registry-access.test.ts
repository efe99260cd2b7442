import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashSync } from "bcryptjs";
import { createClient } from "@drayage/client";
import { fromStatic, type Registry } from "@drayage/oci";
import {
  anyMethod,
  authorizeBy,
  basicMethod,
  createHandler,
  createMemoryDriver,
  createRegistry,
  listen,
  type AuthenticationMethod,
} from "@drayage/registry";
import { createTokenService, htpasswd } from "@drayage/registry-auth";
import { createImage, createIndex, pushImage } from "@drayage/testkit";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { skopeo, withoutSkopeo } from "./skopeo.ts";

const password = "c4n4ry-pw";
const image = createImage({ layers: 2 });
const layer = image.blobs[0]?.descriptor.digest ?? image.config.descriptor.digest;
const index = createIndex({
  manifests: [image, createImage({ platform: "linux/arm64", seed: 1 })],
});
const { descriptor } = index.document;
const policy = {
  rules: [
    { repositories: ["**"], actions: ["pull", "push", "delete", "overwrite"], subjects: ["admin"] },
    { repositories: ["team/*"], actions: ["pull", "push"], subjects: ["writer"] },
    { repositories: ["public/*"], actions: ["pull"], everybody: true },
  ],
} as const;
const authorize = authorizeBy(policy);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "drayage-access-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const hash = hashSync(password, 4);
  await writeFile(join(directory, "users"), `admin:${hash}\nwriter:${hash}\n`);
});

/** A registry that holds an index in `public/app` and in `secret/app`, and asks in one of two ways who is there. */
async function open(
  way: "htpasswd" | "tokens",
): Promise<{ readonly registry: Registry; readonly host: string }> {
  const driver = createMemoryDriver();
  const registry = createRegistry(driver);
  for (const name of ["public/app", "secret/app"]) {
    await pushImage(registry.repository(name), index, { tags: ["v1"] });
  }
  const accounts = htpasswd(join(directory, "users"));
  let url = "";
  const tokens = createTokenService({
    accounts,
    authorize,
    service: "registry.test",
    realm: () => `${url}/token`,
    refreshTokens: driver.documents,
  });
  const basic = basicMethod(accounts);
  const method: AuthenticationMethod = way === "tokens" ? anyMethod(tokens, basic) : basic;
  const server = await listen(createHandler(registry, { ...method, authorize }));
  onTestFinished(() => server.close());
  ({ url } = server);
  return { registry, host: server.host };
}

describe.skipIf(withoutSkopeo !== undefined).each(["htpasswd", "tokens"] as const)(
  `skopeo${withoutSkopeo ?? ""}, by %s`,
  (way) => {
    const authfile = (): string => join(directory, "auth.json");
    const login = (host: string, user: string, secret = password): Promise<string> =>
      skopeo("login", "--tls-verify=false", "--authfile", authfile(), "-u", user, "-p", secret, host);
    const run = (command: string, ...rest: readonly string[]): Promise<string> =>
      skopeo(command, "--tls-verify=false", "--authfile", authfile(), ...rest);
    const copy = (from: string, to: string): Promise<string> =>
      skopeo(
        "copy",
        "--all",
        "--quiet",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        "--authfile",
        authfile(),
        from,
        to,
      );

    test("logs in, and copies in and out, lists, inspects and deletes what it may", async () => {
      const { registry, host } = await open(way);
      expect(await login(host, "admin")).toContain("Login Succeeded");
      const layout = `oci:${join(directory, "layout")}:v1`;
      await copy(`docker://${host}/secret/app:v1`, layout);
      await copy(layout, `docker://${host}/team/app:v1`);
      await copy(`docker://${host}/team/app:v1`, `docker://${host}/team/other:v1`);
      expect(await registry.repository("team/other").headManifest("v1")).toEqual(descriptor);
      expect(JSON.parse(await run("list-tags", `docker://${host}/team/app`))).toMatchObject({ Tags: ["v1"] });
      expect(await run("inspect", "--raw", `docker://${host}/team/app:v1`)).toContain(
        image.document.descriptor.digest,
      );
      await run("delete", `docker://${host}/team/app:v1`);
      expect(await registry.repository("team/app").headManifest(descriptor.digest)).toBeUndefined();
    });

    test("is not logged in by a wrong password, nor as somebody unknown", async () => {
      const { host } = await open(way);
      await expect(login(host, "admin", "wrong")).rejects.toThrow(/unauthorized|invalid username/);
      await expect(login(host, "nobody")).rejects.toThrow(/unauthorized|invalid username/);
    });

    test("may do what its user may, and no more", async () => {
      const { registry, host } = await open(way);
      await login(host, "writer");
      await copy(`docker://${host}/public/app:v1`, `docker://${host}/team/app:v1`);
      expect(await registry.repository("team/app").headManifest("v1")).toEqual(descriptor);
      const refused = /denied|unauthorized|not allowed|authentication required/i;
      await expect(copy(`docker://${host}/secret/app:v1`, `docker://${host}/team/b:v1`)).rejects.toThrow(
        refused,
      );
      await expect(copy(`docker://${host}/team/app:v1`, `docker://${host}/public/app:v2`)).rejects.toThrow(
        refused,
      );
      await expect(run("delete", `docker://${host}/team/app:v1`)).rejects.toThrow(refused);
      expect(await registry.repository("public/app").headManifest("v2")).toBeUndefined();
      expect(await registry.repository("team/app").headManifest("v1")).toBeDefined();
    });

    test("may do without a login what everybody may", async () => {
      const { host } = await open(way);
      await copy(`docker://${host}/public/app:v1`, `oci:${join(directory, "layout")}:v1`);
      const secret = copy(`docker://${host}/secret/app:v1`, `oci:${join(directory, "other")}:v1`);
      await expect(secret).rejects.toThrow(/unauthorized|authentication required/);
    });
  },
);

describe.each(["htpasswd", "tokens"] as const)("our own client, by %s", (way) => {
  function clientOf(host: string, username?: string) {
    const credentials = username === undefined ? undefined : fromStatic(host, { username, password });
    const client = createClient({ credentials });
    onTestFinished(() => client.close());
    return client;
  }

  test("pushes, lists, mounts and deletes what it may", async () => {
    const { registry, host } = await open(way);
    const client = clientOf(host, "admin");
    await pushImage(client.repository(`${host}/team/app`), index, { tags: ["v1"] });
    expect(await registry.repository("team/app").headManifest("v1")).toEqual(descriptor);
    const names = await Array.fromAsync(client.registry(host).listRepositories());
    expect(names).toEqual(["public/app", "secret/app", "team/app"]);
    const other = client.repository(`${host}/team/other`);
    expect(await other.mountBlob(layer, { from: "secret/app" })).toMatchObject({ digest: layer });
    expect(await client.repository(`${host}/team/app`).deleteTag("v1")).toBe("deleted");
  });

  test("sees of the catalog what it may pull, and is refused the rest", async () => {
    const { host } = await open(way);
    const client = clientOf(host, "writer");
    expect(await Array.fromAsync(client.registry(host).listRepositories())).toEqual(["public/app"]);
    const code = way === "tokens" ? "UNAUTHORIZED" : "DENIED";
    await expect(client.repository(`${host}/secret/app`).getManifest("v1")).rejects.toMatchObject({ code });
    const target = client.repository(`${host}/team/app`);
    expect(await target.mountBlob(layer, { from: "secret/app" })).toBeUndefined();
  });

  test("pulls without a login what everybody may, and nothing else", async () => {
    const { host } = await open(way);
    const client = clientOf(host);
    expect((await client.repository(`${host}/public/app`).getManifest("v1")).descriptor).toEqual(descriptor);
    const secret = client.repository(`${host}/secret/app`).getManifest("v1");
    await expect(secret).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });
});
