import { ownValue, parseObject } from "@drayage/oci";
import { basicMethod, createHandler, createMemoryDriver, createRegistry, listen } from "@drayage/registry";
import { describe, expect, onTestFinished, test } from "vitest";
import { loginOf } from "../fixture/login.ts";
import { basic, createAccounts, openService, password } from "../fixture/service.ts";
import { limitFailures } from "./limit-failures.ts";

const users = new Map([
  ["me", "1"],
  ["you", "1"],
]);

/** Limited accounts, and which users' passwords have been looked at. */
function observed() {
  let time = 0;
  const seen: string[] = [];
  const accounts = createAccounts(users);
  const limited = limitFailures(
    { ...accounts, logIn: (login) => (seen.push(login.username), accounts.logIn(login)) },
    { failures: 3, now: () => time },
  );
  const logIn = (user: string, given: string, address?: string) =>
    limited.logIn({ ...loginOf(user, given), address });
  return { limited, seen, logIn, wait: (milliseconds: number) => void (time += milliseconds) };
}

describe("limitFailures", () => {
  test("looks at no password after so many wrong ones, not even at the right one, for a minute (S24)", async () => {
    const { seen, logIn, wait } = observed();
    for (let index = 0; index < 3; index++) expect(await logIn("me", "wrong", "10.0.0.1")).toBeUndefined();
    wait(20_000);
    const refusal = { code: "TOOMANYREQUESTS", retryAfter: 40_000 };
    await expect(logIn("me", password, "10.0.0.1")).rejects.toMatchObject(refusal);
    expect(seen).toHaveLength(3);
    wait(40_000);
    expect(await logIn("me", password, "10.0.0.1")).toBeDefined();
  });

  test("keeps out nobody else at the address, and the user nowhere else (S24)", async () => {
    const { logIn } = observed();
    for (let index = 0; index < 3; index++) await logIn("me", "wrong", "10.0.0.1");
    expect(await logIn("you", password, "10.0.0.1")).toBeDefined();
    expect(await logIn("me", password, "10.0.0.2")).toBeDefined();
  });

  test("forgets the failures of who has logged in", async () => {
    const { logIn } = observed();
    for (const given of ["wrong", "wrong", password, "wrong", "wrong"]) await logIn("me", given);
    expect(await logIn("me", password)).toBeDefined();
  });

  test("counts no login that could not be judged", async () => {
    const limited = limitFailures({ logIn: () => Promise.reject(new Error("no file")) }, { failures: 1 });
    for (let index = 0; index < 3; index++) {
      await expect(limited.logIn(loginOf("me", "wrong"))).rejects.toThrow("no file");
    }
  });

  test("lets twenty logins at once in, all of them right", async () => {
    const { logIn } = observed();
    const logins = await Promise.all(Array.from({ length: 20 }, () => logIn("me", password)));
    expect(logins).not.toContain(undefined);
  });

  test("remembers so many users at most, and still finds an account", async () => {
    const { limited, logIn } = observed();
    for (let index = 0; index < 3; index++) await logIn("me", "wrong");
    for (let index = 0; index < 10_000; index++) await logIn(`user${index}`, "wrong");
    expect(await logIn("me", password)).toEqual(await limited.find?.("me"));
  });

  test("is told the address by the registry and by the token endpoint, which answer 429 (S24)", async () => {
    const addresses = new Set<unknown>();
    const accounts = createAccounts(users);
    const limited = limitFailures(
      { ...accounts, logIn: (login) => (addresses.add(login.address), accounts.logIn(login)) },
      { failures: 2 },
    );
    const { url } = await openService({ accounts: limited });
    const registry = createRegistry(createMemoryDriver());
    const server = await listen(createHandler(registry, basicMethod(limited)));
    onTestFinished(() => server.close());
    const form = new URLSearchParams({ grant_type: "password", username: "you", password: "wrong" });
    form.set("service", "registry.test");
    form.set("client_id", "test");
    const attempts: readonly (() => Promise<Response>)[] = [
      () => fetch(`${server.url}/v2/`, { headers: basic("me", "wrong") }),
      () => fetch(`${url}/token`, { method: "POST", body: form }),
      () => fetch(`${url}/token`, { headers: basic("she", "wrong") }),
    ];
    for (const attempt of attempts) {
      const statuses = [];
      for (let index = 0; index < 3; index++) statuses.push((await attempt()).status);
      expect(statuses).toEqual([401, 401, 429]);
      const refused = await attempt();
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(ownValue(parseObject(await refused.json()) ?? {}, "errors")).toMatchObject([
        { code: "TOOMANYREQUESTS" },
      ]);
    }
    expect([...addresses]).toEqual(["127.0.0.1"]);
  });
});
