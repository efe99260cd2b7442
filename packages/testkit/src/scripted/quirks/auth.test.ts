import { parseToken, type Quirks } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { manifests, openQuirky, uploads } from "../../../fixture/quirky.ts";
import type { ScriptedAuth } from "../authorize.ts";

describe("authorization", () => {
  const users = { user: "secret" };
  const authorization = `Basic ${Buffer.from("user:secret").toString("base64")}`;
  const challengeOf = async (
    quirks: Partial<Quirks>,
    path: string,
    auth: ScriptedAuth = { bearer: { users } },
  ) => (await (await openQuirky(quirks, auth)).send(path)).headers["www-authenticate"];

  it("challenge: the schemes, in their order and spelling", async () => {
    expect(await challengeOf({}, `${manifests}v1`, { basic: users })).toMatch(/^Basic /);
    expect(await challengeOf({ challenge: "BASIC" }, `${manifests}v1`, { basic: users })).toMatch(/^BASIC /);
    const both = await challengeOf({ challenge: "Bearer, Basic" }, `${manifests}v1`);
    expect(both).toEqual([expect.stringMatching(/^Bearer /), expect.stringMatching(/^Basic /)]);
  });

  it("challengeScope: what is needed, reading only, everything", async () => {
    const scopeOf = async (challengeScope: Quirks["challengeScope"]) => {
      const { send } = await openQuirky({ challengeScope }, { bearer: { users } });
      return String((await send(uploads, { method: "POST" })).headers["www-authenticate"]);
    };
    expect(await scopeOf("needed")).toContain('scope="repository:team/app:pull,push"');
    expect(await scopeOf("pull")).toContain('scope="repository:team/app:pull"');
    expect(await scopeOf("*")).toContain('scope="*"');
  });

  it("tagAction and deleteAction: what tags and deletes ask for", async () => {
    const quirks = { tagAction: "metadata_read", deleteAction: "push" } as const;
    expect(await challengeOf(quirks, "/v2/team/app/tags/list")).toContain("team/app:metadata_read");
    const { send } = await openQuirky(quirks, { bearer: { users } });
    const { headers } = await send(`${manifests}v1`, { method: "DELETE" });
    expect(headers["www-authenticate"]).toContain("team/app:push");
  });

  it("deleteAction push: a token to delete with is not even understood", async () => {
    const path = "/token?scope=repository:team/app:pull,delete";
    const asked = { headers: { authorization }, origin: "auth.test" };
    const refused = await openQuirky({ deleteAction: "push" }, { bearer: { users } });
    expect(await refused.send(path, asked)).toMatchObject({ status: 400 });
    const granted = await openQuirky({}, { bearer: { users } });
    expect(await granted.send(path, asked)).toMatchObject({ status: 200 });
  });

  it("tokenScopes last: earlier scopes are forgotten", async () => {
    const { send } = await openQuirky({ tokenScopes: "last" }, { bearer: { users } });
    const path = "/token?scope=repository:team/app:pull&scope=repository:team/other:pull";
    const { text } = await send(path, { headers: { authorization }, origin: "auth.test" });
    const { value } = parseToken(Buffer.from(text));
    const headers = { authorization: `Bearer ${value}` };
    expect(await send(`${manifests}v1`, { headers })).toMatchObject({ status: 401 });
    expect(await send("/v2/team/other/manifests/v1", { headers })).toMatchObject({ status: 404 });
  });
});
