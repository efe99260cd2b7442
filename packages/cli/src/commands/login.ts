import { createDockerCredentialStore } from "@drayage/credentials-docker";
import {
  fromStatic,
  isOciError,
  OciError,
  parseRegistry,
  type CallOptions,
  type CredentialProvider,
  type Resource,
  type Secret,
} from "@drayage/oci";
import { defineCommand, type Command, type Values } from "../command.ts";
import { connectionOptions, withClient } from "../connection.ts";
import { describeCredential, helperOptions } from "../credentials.ts";
import { exitStatus, type ExitStatus } from "../exit.ts";
import { parsePlace } from "../location.ts";
import type { Printer } from "../print.ts";
import { promptLine, promptSecret, readSecret } from "../prompt.ts";

const options = {
  username: { type: "string", short: "u", value: "USER", help: "who to log in as; asked for on a terminal" },
  "password-stdin": { type: "boolean", help: "read the password from standard input" },
  check: { type: "boolean", help: "tell which credential would be used, and log in nowhere" },
  ...connectionOptions,
} as const;

interface Run {
  readonly values: Values<typeof options>;
  readonly print: Printer;
  readonly signal: AbortSignal;
}

export const login: Command = defineCommand({
  summary: "Logs in to a registry, or tells with --check how one would be.",
  operands: ["REGISTRY"],
  notes: [
    "The registry is asked first. What it accepts goes to the credential helper that docker's configuration names, " +
      "or else to that file, unencrypted; REGISTRY_AUTH_FILE names another one.",
    "The password is read from a terminal or from standard input, never from the command line.",
    "--check takes REGISTRY/REPOSITORY as well, and ends with 1 if there is no credential.",
  ],
  options,
  async run({ operands: [text = ""], ...run }) {
    return run.values.check === true ? check(text, run) : logIn(parseRegistry(text).registry, run);
  },
});

async function logIn(registry: string, { values, print, signal }: Run): Promise<ExitStatus> {
  const { username, password } = await askWho(values, { signal });
  const asked = recorded(fromStatic(registry, { username, password }));
  await withClient(
    { values, print, signal, registries: [registry], credentials: asked.provider },
    async (client) => {
      await client
        .registry(registry)
        .ping({ signal })
        .catch((error: unknown) => {
          throw refusal(error, registry, username);
        });
    },
  );
  if (!asked.wasAsked()) print.note(`${registry} did not ask for a password, so this one is not verified.`);
  const store = createDockerCredentialStore(helperOptions());
  const { source, helper } = await store.set(registry, { type: "basic", username, password }, { signal });
  print.result({ registry, username, source }, `logged in to ${registry} as ${username}, kept in ${source}`);
  if (helper === undefined) {
    print.note(
      "The password is kept unencrypted; credsStore in docker's configuration names a helper instead.",
    );
  }
  return exitStatus.done;
}

async function askWho(
  { username, "password-stdin": isPiped = false }: Run["values"],
  { signal }: CallOptions,
): Promise<{ readonly username: string; readonly password: Secret }> {
  const { stdin, stderr } = process;
  const terminal = { input: stdin, output: stderr, signal };
  if (isPiped) {
    if (username === undefined) throw new OciError("OPTION_INVALID", "--password-stdin needs --username");
    return { username: checked(username), password: await readSecret(stdin, { signal }) };
  }
  if (!stdin.isTTY) {
    throw new OciError("OPTION_INVALID", "there is no terminal to ask for the password", {
      hint: "write it to standard input: drayage login REGISTRY --username USER --password-stdin < FILE",
    });
  }
  const user = checked(username ?? (await promptLine("User name: ", terminal)));
  return { username: user, password: await promptSecret("Password: ", terminal) };
}

/** Basic authentication has no way to carry others. */
function checked(username: string): string {
  if (/^[^\u0000-\u001f\u007f:]+$/.test(username)) return username;
  throw new OciError("OPTION_INVALID", "--username is empty, or has a colon or a control character in it");
}

function recorded(provider: CredentialProvider): {
  readonly provider: CredentialProvider;
  readonly wasAsked: () => boolean;
} {
  let isAsked = false;
  return {
    provider: (request) => {
      isAsked = true;
      return provider(request);
    },
    wasAsked: () => isAsked,
  };
}

function refusal(error: unknown, registry: string, username: string): unknown {
  if (!isOciError(error, "UNAUTHORIZED", "DENIED")) return error;
  const { status, url, method } = error;
  return new OciError(error.code, `${registry} does not accept this password of ${username}`, {
    cause: error,
    status,
    url,
    method,
    hint: "nothing was kept; check both, and whether the registry wants a token in place of the password",
  });
}

async function check(text: string, { values, print, signal }: Run): Promise<ExitStatus> {
  const resource = resourceOf(text);
  const found = await withClient({ values, print, signal, registries: [resource.registry] }, (client) =>
    describeCredential({ ...resource, signal, send: client.send }),
  );
  if (found === undefined) {
    print.result({ ...resource, source: null }, `${text}: no credential, so anonymous`);
    return exitStatus.failed;
  }
  const { source, type, expiresAt, isExposed } = found;
  const until = expiresAt === undefined ? "" : `, until ${expiresAt.toISOString()}`;
  print.result({ ...resource, source, type, expiresAt }, `${text}: ${type} from ${source}${until}`);
  if (isExposed) print.note("Others than its owner can read that file; chmod 600 would change it.");
  return exitStatus.done;
}

function resourceOf(text: string): Resource {
  // As in what `login` itself is told; locations have no scheme.
  if (text.includes("://")) return { registry: parseRegistry(text).registry };
  const place = parsePlace(text);
  if ("registry" in place) return place;
  const { registry, repository } = place.reference;
  return { registry, repository };
}
