import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashSync } from "bcryptjs";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { loginOf } from "../fixture/login.ts";
import { parseHtpasswd } from "./htpasswd-file.ts";
import { htpasswd } from "./htpasswd.ts";

const password = "c4n4ry";
const hash = hashSync(password, 4);
const other = hashSync("other", 5);

let file: string;
beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), "drayage-htpasswd-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  file = join(directory, "users");
  await writeFile(file, `# users\n\nme:${hash}\nyou:${other}\n`);
});

/** Replaces the file as a whole, as editors and secret mounts do. */
async function replace(text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

/** Accounts whose comparisons are recorded; every password is right for the hash of its user. */
function observed(options: Parameters<typeof htpasswd>[1] = {}) {
  const compared: string[] = [];
  const accounts = htpasswd(file, {
    compare: (given, against) => {
      compared.push(against);
      return Promise.resolve(given === password && against === hash);
    },
    ...options,
  });
  return { accounts, compared };
}

describe("htpasswd", () => {
  test("knows a user by the password, whichever bcrypt wrote the hash", async () => {
    await replace(["2a", "2b", "2y"].map((kind) => `u${kind}:$${kind}${hash.slice(3)}`).join("\n"));
    const accounts = htpasswd(file);
    for (const user of ["u2a", "u2b", "u2y"]) {
      expect(await accounts.logIn(loginOf(user, password))).toMatchObject({ identity: { subject: user } });
      expect(await accounts.logIn(loginOf(user, `${password}x`))).toBeUndefined();
    }
  });

  test("compares as much for an unknown user as for the most expensive known one (S23)", async () => {
    const { accounts, compared } = observed();
    expect(await accounts.logIn(loginOf("nobody", password))).toBeUndefined();
    expect(compared).toHaveLength(1);
    expect(compared[0]).toMatch(/^\$2b\$05\$[./A-Za-z0-9]{53}$/);
    expect(await htpasswd(file).logIn(loginOf("nobody", password))).toBeUndefined();
  });

  test("does not compare a right login again for a minute, but every wrong one (S24)", async () => {
    let time = 0;
    const { accounts, compared } = observed({ now: () => time });
    for (let index = 0; index < 3; index++) await accounts.logIn(loginOf("me", password));
    expect(compared).toHaveLength(1);
    for (let index = 0; index < 3; index++) await accounts.logIn(loginOf("me", "wrong"));
    expect(compared).toHaveLength(4);
    await accounts.logIn(loginOf("m", `e${password}`));
    expect(compared).toHaveLength(5);
    time = 60_000;
    await accounts.logIn(loginOf("me", password));
    expect(compared).toHaveLength(6);
  });

  test.each([
    ["a password of more than a thousand characters", "x".repeat(1025)],
    ["a password that C would read only in part", `${password}\0x`],
  ])("refuses %s without comparing it (S24)", async (_what, given) => {
    const { accounts, compared } = observed();
    expect(await accounts.logIn(loginOf("me", given))).toBeUndefined();
    expect(compared).toEqual([]);
  });

  test("compares one at a time, and refuses when too many wait (S24)", async () => {
    let running = 0;
    let highest = 0;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const accounts = htpasswd(file, {
      compare: async () => {
        highest = Math.max(highest, ++running);
        await promise;
        running--;
        return false;
      },
    });
    const refusals: unknown[] = [];
    const logins = Array.from({ length: 100 }, () =>
      accounts.logIn(loginOf("me", "wrong")).catch((error: unknown) => void refusals.push(error)),
    );
    // One is compared and 64 wait; the file is looked at for each, so that any of them can be the last to come.
    await expect.poll(() => refusals.length).toBe(35);
    resolve(false);
    await Promise.all(logins);
    expect([highest, refusals.length]).toEqual([1, 35]);
    for (const error of refusals) expect(error).toMatchObject({ code: "TOOMANYREQUESTS", retryAfter: 1000 });
  });

  test("passes over whoever has gone before it was their turn", async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const compared: string[] = [];
    const accounts = htpasswd(file, {
      compare: (given) => {
        compared.push(given);
        return promise;
      },
    });
    const gone = new AbortController();
    const first = accounts.logIn(loginOf("me", "first"));
    await expect.poll(() => compared).toEqual(["first"]);
    const second = accounts.logIn(loginOf("me", "second", gone.signal));
    await accounts.find?.("me"); // by then the other has looked at the file as well, and waits
    gone.abort(new Error("gone"));
    resolve(false);
    await expect(second).rejects.toThrow("gone");
    expect([await first, compared]).toEqual([undefined, ["first"]]);
  });

  test("takes a change over at once: a new user, a new password, one who has left", async () => {
    const accounts = htpasswd(file);
    const before = await accounts.logIn(loginOf("me", password));
    await replace(`me:${hashSync("new", 4)}\nshe:${hash}\n`);
    expect(await accounts.logIn(loginOf("me", password))).toBeUndefined();
    expect(await accounts.logIn(loginOf("you", "other"))).toBeUndefined();
    expect(await accounts.logIn(loginOf("she", password))).toBeDefined();
    const after = await accounts.logIn(loginOf("me", "new"));
    expect(after?.version).not.toBe(before?.version);
    expect([await accounts.find?.("me"), await accounts.find?.("you")]).toEqual([after, undefined]);
  });

  test("keeps what it knows when a change is malformed or the file gone, and says so once", async () => {
    const told: unknown[] = [];
    const accounts = htpasswd(file, { onError: (error) => told.push(error) });
    await accounts.logIn(loginOf("me", password));
    await replace("nonsense");
    for (let index = 0; index < 2; index++) {
      expect(await accounts.logIn(loginOf("me", password))).toBeDefined();
    }
    expect(told).toMatchObject([{ code: "OPTION_INVALID" }]);
    await rm(file);
    expect(await accounts.logIn(loginOf("me", password))).toBeDefined();
    expect(told.at(-1)).toMatchObject({ code: "UNAVAILABLE" });
    await replace(`she:${hash}\n`);
    expect(await accounts.logIn(loginOf("me", password))).toBeUndefined();
  });

  test("without a file that could be read ever, nobody is let in and nobody refused", async () => {
    await rm(file);
    const login = htpasswd(file).logIn(loginOf("me", password));
    await expect(login).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});

describe("parseHtpasswd", () => {
  test("an empty file has nobody, and its comparisons cost what is usual", () => {
    expect(parseHtpasswd("# nobody yet\n")).toEqual({ hashes: new Map(), cost: 10 });
  });

  test.each([
    ["me", /line 1 .* not user:hash/],
    [`:${hash}`, /line 1 .* not user:hash/],
    ["me:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", /line 1 .* no bcrypt/],
    ["me:$apr1$abcdefgh$0123456789012345678901", /line 1 .* no bcrypt/],
    [`#\nme:${hash}\nyou:c4n4ry`, /line 3 .* no bcrypt/],
    [`me:${hash} `.replace(hash, `${hash}x`), /line 1 .* no bcrypt/],
    [`me:${hash}\nme:${other}`, /line 2 .* once more/],
    [`me:${hash.replace("$04$", "$31$")}`, /cost of 31/],
    [`me:${hash.replace("$04$", "$03$")}`, /cost of 3/],
  ])("refuses %j by its line, and quotes nothing of it", (text, message) => {
    const parse = () => parseHtpasswd(text);
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
    expect(parse).not.toThrow(/c4n4ry|SHA\}|apr1|\$2/);
  });
});
