import { inspect } from "node:util";
import { fromStatic, parseScopes } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { errorOf, openScripted, type Opened } from "../fixture/scripted.ts";

const pull = parseScopes("repository:library/app:pull");
const user = { username: "me", password: "päss" };

async function openAs(
  password: string,
  auth: "none" | { basic: Record<string, string> } | { bearer: { users: Record<string, string> } },
): Promise<Opened> {
  return openScripted({ auth }, (server) => ({
    credentials: fromStatic(server.host(), { ...user, password }),
    hosts: { [server.host()]: { plainHttp: true } },
    network: { lookup: server.lookup },
    trustedTokenServers: { [server.host()]: [server.host("auth.test")] },
  }));
}

const registryOf = ({ client, server }: Opened) => client.registry(server.host());

describe("authorization", () => {
  it("is a token for the scopes, which the client itself then uses", async () => {
    await using opened = await openAs(user.password, { bearer: { users: { me: user.password } } });
    const authorization = await registryOf(opened).authorization(pull);
    expect(authorization?.reveal()).toMatch(/^Bearer access-/);
    expect(opened.requests()).toEqual([
      "GET /v2/",
      expect.stringMatching(/^auth.test GET \/token\?.*scope=repository%3Alibrary%2Fapp%3Apull/),
      "GET /v2/",
    ]);
    await errorOf(opened.repository.getManifest("v1"));
    expect(opened.server.ledger.at(-1)?.headers["authorization"]).toBe(authorization?.reveal());
    expect(opened.requests()).toHaveLength(4);
  });

  it("is the password where the registry wants that, in UTF-8", async () => {
    await using opened = await openAs(user.password, { basic: { me: user.password } });
    const authorization = await registryOf(opened).authorization(pull);
    expect(authorization?.reveal()).toBe(`Basic ${Buffer.from("me:päss").toString("base64")}`);
  });

  it("is nothing where the registry wants nothing", async () => {
    await using opened = await openAs(user.password, "none");
    expect(await registryOf(opened).authorization(pull)).toBeUndefined();
  });

  it("does not print", async () => {
    await using opened = await openAs(user.password, { basic: { me: user.password } });
    const authorization = await registryOf(opened).authorization([]);
    expect(`${inspect(authorization)} ${JSON.stringify({ authorization })}`).toBe(
      '[secret] {"authorization":"[secret]"}',
    );
  });

  it("UNAUTHORIZED if the credential is refused", async () => {
    await using opened = await openAs("wrong", { bearer: { users: { me: user.password } } });
    expect(await errorOf(registryOf(opened).authorization(pull))).toMatchObject({ code: "UNAUTHORIZED" });
  });
});
