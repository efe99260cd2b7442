import { describe, expect, test } from "vitest";
import type { Identity } from "./identity.ts";
import { authorizeBy, parsePolicy, type PolicyRule } from "./policy.ts";

const { signal } = new AbortController();
const rules: readonly PolicyRule[] = [
  { repositories: ["public/**"], actions: ["pull"], everybody: true },
  { repositories: ["team/*"], actions: ["pull", "push"], subjects: ["ci-*"] },
  { repositories: ["team/**"], actions: ["pull", "delete"], groups: ["owners"] },
  { repositories: ["team/app"], actions: ["overwrite"], subjects: ["ci-main", "repo:octo/app:*"] },
];
const authorize = authorizeBy({ rules });

/** Which of all actions the identity has on a repository. */
async function actionsOn(name: string, identity: Identity): Promise<string> {
  const actions = ["pull", "push", "delete", "overwrite"];
  const scopes = await authorize({ identity, scopes: [{ type: "repository", name, actions }], signal });
  return scopes.flatMap((scope) => scope.actions).join("+");
}

describe("authorizeBy", () => {
  test.each<[Identity, string, string]>([
    [{}, "public/a", "pull"],
    [{ subject: "me" }, "public/a/b", "pull"],
    [{}, "team/app", ""],
    [{ subject: "me" }, "team/app", ""],
    [{ subject: "ci-1" }, "team/app", "pull+push"],
    [{ subject: "ci-1" }, "team/app/x", ""],
    [{ subject: "ci-main" }, "team/app", "pull+push+overwrite"],
    [{ subject: "xci-1" }, "team/app", ""],
    [{ subject: "me", groups: ["owners"] }, "team/app/x", "pull+delete"],
    [{ groups: ["owners"] }, "team/app", ""],
    [{ subject: "owners" }, "team/app", ""],
    [{ subject: "repo:octo/app:main" }, "team/app", "overwrite"],
    [{ subject: "repo:octo/apps:main" }, "team/app", ""],
  ])("%j may on %s: %s", async (identity, name, allowed) => {
    expect(await actionsOn(name, identity)).toBe(allowed);
  });

  test("answers for several scopes at once, each by itself", async () => {
    const ask = (name: string) => ({ type: "repository", name, actions: ["pull", "push"] });
    const scopes = [ask("public/a"), ask("team/app"), ask("other"), { ...ask("public/a"), type: "plugin" }];
    expect(await authorize({ identity: {}, scopes, signal })).toEqual([
      { type: "repository", name: "public/a", actions: ["pull"] },
    ]);
  });

  test("opens the catalog to who may pull something, and nothing else of the registry", async () => {
    const scopes = [
      { type: "registry", name: "catalog", actions: ["*"] },
      { type: "registry", name: "other", actions: ["*"] },
    ];
    expect(await authorize({ identity: {}, scopes, signal })).toEqual(scopes.slice(0, 1));
    const strict = authorizeBy({ rules: rules.slice(1) });
    expect(await strict({ identity: { subject: "me" }, scopes, signal })).toEqual([]);
  });

  test("a scope of * is not taken for all actions", async () => {
    const scopes = [{ type: "repository", name: "team/app", actions: ["*"] }];
    expect(await authorize({ identity: { subject: "ci-main" }, scopes, signal })).toEqual([]);
  });
});

describe("parsePolicy", () => {
  const rule = { repositories: ["a"], actions: ["pull"], subjects: ["me"] };

  test("takes what is valid", () => {
    expect(parsePolicy({ rules: [rule] }).rules).toMatchObject([rule]);
    expect(parsePolicy({ rules: [] })).toEqual({ rules: [] });
  });

  test.each([
    [undefined, /list of rules/],
    [[], /list of rules/],
    [{ rules: {} }, /list of rules/],
    [{ rules: [], rule: [] }, /unknown "rule"/],
    [{ rules: ["a"] }, /rule 1 is not an object/],
    [{ rules: [rule, { ...rule, repository: "a" }] }, /rule 2 has an unknown "repository"/],
    [{ rules: [{ ...rule, repositories: [] }] }, /names no repositories/],
    [{ rules: [{ ...rule, repositories: "a" }] }, /repositories that are no list/],
    [{ rules: [{ ...rule, repositories: [""] }] }, /not a pattern/],
    [{ rules: [{ ...rule, actions: [] }] }, /needs actions out of/],
    [{ rules: [{ ...rule, actions: ["pull", "fly"] }] }, /needs actions out of/],
    [{ rules: [{ ...rule, subjects: undefined }] }, /names nobody/],
    [{ rules: [{ ...rule, subjects: [1] }] }, /subjects that are no list/],
    [{ rules: [{ ...rule, everybody: "yes" }] }, /neither true nor false/],
    [
      JSON.parse('{"rules":[{"__proto__":{"everybody":true},"repositories":["a"],"actions":["pull"]}]}'),
      /unknown/,
    ],
  ])("refuses %j", (value, message) => {
    expect(() => parsePolicy(value)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
    expect(() => parsePolicy(value)).toThrow(message);
  });
});
