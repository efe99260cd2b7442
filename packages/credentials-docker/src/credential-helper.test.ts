import { Secret, type Credential } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { canary, expectFailure, failureOf } from "../fixture/canary.ts";
import { useMachine, type TestMachine } from "../fixture/machine.ts";
import { createCredentialHelper, type CredentialHelper, type HelperOptions } from "./credential-helper.ts";

const source = "credsStore in config.json";

async function helperOf(
  script: string,
  options: HelperOptions = {},
): Promise<{ readonly helper: CredentialHelper; readonly machine: TestMachine }> {
  const machine = await useMachine();
  await machine.installHelper("test", script);
  return { machine, helper: createCredentialHelper("test", { env: machine.env, ...options, source }) };
}

function answer(Username: string, Secret: string): string {
  return `cat <<'END'\n${JSON.stringify({ ServerURL: "reg.example", Username, Secret })}\nEND`;
}

function fail(message: string): string {
  return `printf '%s\\n' '${message}'; exit 1`;
}

describe("get", () => {
  it("gives the key on standard input, alone, and takes user and password", async () => {
    const { helper, machine } = await helperOf(
      `echo "$@" > "$HOME/args"; cat > "$HOME/in"; ${answer("me", "pass")}`,
    );
    const credential = await helper.get("reg.example:5000");
    expect(credential).toEqual({ type: "basic", username: "me", password: new Secret("pass") });
    expect(credential?.type === "basic" && credential.password.reveal()).toBe("pass");
    expect([await machine.read("args"), await machine.read("in")]).toEqual(["get\n", "reg.example:5000"]);
  });

  it("takes the secret of the user <token> for an identity token", async () => {
    const { helper } = await helperOf(answer("<token>", "identity"));
    const credential = await helper.get("reg.example");
    expect(credential?.type).toBe("refresh-token");
    expect(credential?.type === "refresh-token" && credential.token.reveal()).toBe("identity");
  });

  it.each([
    { name: "the protocol's message", script: fail("credentials not found in native keychain") },
    { name: "an answer without user and secret", script: answer("", "") },
  ])("takes $name for nothing", async ({ script }) => {
    const { helper } = await helperOf(script);
    expect(await helper.get("reg.example")).toBeUndefined();
  });

  it.each([
    { name: "no registry", script: fail("no credentials server URL"), says: "given no registry" },
    { name: "no user name", script: fail("no credentials username"), says: "given no user name" },
    { name: "another message", script: fail(`bad token ${canary}`), says: "exit status 1" },
    { name: "nothing", script: "exit 2", says: "exit status 2" },
    {
      name: "almost the message for nothing",
      script: fail(`${canary} credentials not found`),
      says: "status 1",
    },
    { name: "a signal", script: "kill -9 $$", says: "a signal ended it" },
  ])("that fails with $name is an error, never nothing", async ({ script, says }) => {
    const { helper } = await helperOf(script);
    expectFailure(await failureOf(helper.get("reg.example")), "docker-credential-test", source, says);
  });

  it.each([
    { name: "nothing", script: "exit 0" },
    { name: "no JSON", script: `echo '{"Secret": "${canary}'` },
    { name: "no object", script: `echo '["${canary}"]'` },
    { name: "no UTF-8", script: `printf '{"Username":"me","Secret":"${canary}\\377"}'` },
    { name: "no user", script: answer("", canary) },
    { name: "no secret", script: answer("me", "") },
    { name: "a user with a colon", script: answer("me:you", canary) },
    { name: "a secret of another type", script: `echo '{"Username": "me", "Secret": ["${canary}"]}'` },
    {
      name: "the properties of a prototype (C21)",
      script: `echo '{"__proto__": {"Username": "me", "Secret": "${canary}"}}'`,
    },
  ])("that answers $name is an error", async ({ script }) => {
    const { helper } = await helperOf(script);
    expectFailure(await failureOf(helper.get("reg.example")), "docker-credential-test", "its answer");
  });

  it("that hangs is an error after the time it was given", async () => {
    const { helper } = await helperOf(`echo ${canary}; sleep 100`, { helperTimeout: 50 });
    expectFailure(await failureOf(helper.get("reg.example")), "no answer within 50 ms");
  });

  it("that floods is an error after 64 KiB", async () => {
    const { helper } = await helperOf(`yes ${canary}`);
    expectFailure(await failureOf(helper.get("reg.example")), "more than 65536 bytes");
  });

  it("that is not installed is an error that says so", async () => {
    const { env } = await useMachine();
    const helper = createCredentialHelper("missing", { env, source });
    expectFailure(
      await failureOf(helper.get("reg.example")),
      source,
      "docker-credential-missing is not in",
      "install",
    );
  });

  it("that cannot be started is an error", async () => {
    const { helper, machine } = await helperOf("");
    await machine.write("bin/docker-credential-test", "#!/missing/interpreter\n");
    expectFailure(await failureOf(helper.get("reg.example")), "cannot be started", "ENOENT");
  });

  it("shows what the helper writes to standard error to nobody", async () => {
    const { helper } = await helperOf(`echo ${canary} >&2; exit 1`);
    expectFailure(await failureOf(helper.get("reg.example")));
  });

  it("asks for no key that has a second line", async () => {
    const { helper, machine } = await helperOf('touch "$HOME/started"');
    expectFailure(await failureOf(helper.get("reg.example\nother.example")), "control characters");
    await expect(machine.read("started")).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("a helper's name", () => {
  it.each(["", "../evil", "a/b", "a;b", "a b", "$(a)", ".hidden", "-rf", "a\n", "x".repeat(65)])(
    "cannot be %j",
    (name) => {
      let failure: unknown;
      try {
        createCredentialHelper(name, { source });
      } catch (error) {
        failure = error;
      }
      expectFailure(failure, source);
    },
  );
});

describe("store", () => {
  const basic: Credential = { type: "basic", username: "me", password: new Secret(canary) };

  it("gives the credential on standard input, and shows it in no argument or variable", async () => {
    const { helper, machine } = await helperOf(
      'echo "$@" > "$HOME/args"; env >> "$HOME/args"; cat > "$HOME/in"',
    );
    await helper.store("reg.example", basic);
    expect(JSON.parse(await machine.read("in"))).toEqual({
      ServerURL: "reg.example",
      Username: "me",
      Secret: canary,
    });
    expect((await machine.read("args")).split("\n")[0]).toBe("store");
    expect(await machine.read("args")).not.toContain(canary);
  });

  it("stores an identity token under the user <token>", async () => {
    const { helper, machine } = await helperOf('cat > "$HOME/in"');
    await helper.store("reg.example", { type: "refresh-token", token: new Secret("identity") });
    expect(JSON.parse(await machine.read("in"))).toMatchObject({ Username: "<token>", Secret: "identity" });
  });

  it("that fails is an error without the secret", async () => {
    const { helper } = await helperOf("cat; exit 1");
    expectFailure(await failureOf(helper.store("reg.example", basic)), "exit status 1");
  });

  it("of a bearer token is refused", async () => {
    const { helper } = await helperOf("");
    const call = helper.store("reg.example", { type: "bearer", token: new Secret(canary) });
    expect(await failureOf(call)).toMatchObject({ code: "OPTION_INVALID" });
  });
});

describe("erase", () => {
  it("tells what was there", async () => {
    const { helper, machine } = await helperOf('cat > "$HOME/in"');
    expect(await helper.erase("reg.example")).toBe("deleted");
    expect(await machine.read("in")).toBe("reg.example");
    await machine.installHelper("test", fail("credentials not found in native keychain"));
    expect(await helper.erase("reg.example")).toBe("absent");
  });
});

describe("list", () => {
  it("takes user names by key", async () => {
    const { helper } = await helperOf(`echo '{"reg.example": "me", "__proto__": "you"}'`);
    expect([...(await helper.list())]).toEqual([
      ["reg.example", "me"],
      ["__proto__", "you"],
    ]);
  });
});
