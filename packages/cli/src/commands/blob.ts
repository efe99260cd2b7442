import type { Client } from "@drayage/client";
import { OciError, parseRepositoryName, type CallOptions } from "@drayage/oci";
import { absent } from "../absence.ts";
import { defineGroup } from "../command-group.ts";
import { defineCommand, type Command } from "../command.ts";
import { connectionOptions, withClient, withRepository } from "../connection.ts";
import { printDeletion } from "../deletion.ts";
import { descriptorLines } from "../descriptor-lines.ts";
import { exitStatus } from "../exit.ts";
import { openInput } from "../input.ts";
import { parseContent, parseUntagged } from "../location.ts";
import { saveFile } from "../save.ts";
import { uploadInput } from "../upload.ts";

const get = defineCommand({
  summary: "Writes a blob to standard output, or to a new file.",
  operands: ["REPOSITORY@DIGEST"],
  notes: [
    "It is verified on the way: the command fails if what has come out is not all of the blob, or not the blob.",
  ],
  options: {
    output: { type: "string", short: "o", value: "FILE", help: "write to FILE, which must not be there yet" },
    ...connectionOptions,
  },
  async run({ operands: [text = ""], ...run }) {
    const reference = parseContent(text);
    const { values, print, signal } = run;
    const { output } = values;
    if (output === undefined && values.json === true) {
      throw new OciError("OPTION_INVALID", "--json needs --output FILE, as the blob itself goes to stdout");
    }
    if (output === undefined && print.isTerminal) {
      throw new OciError("OPTION_INVALID", "a blob may do anything to a terminal", {
        hint: "--output FILE writes it to a file, and | passes it on",
      });
    }
    return withRepository({ ...run, reference, access: ["pull"] }, async (repository) => {
      const { descriptor, body } = await repository.getBlob(reference.digest, { signal });
      if (output === undefined) {
        await print.bytes(body, { signal });
        return exitStatus.done;
      }
      await saveFile(output, body, { signal });
      print.result({ file: output, ...descriptor }, output);
      return exitStatus.done;
    });
  },
});

const head = defineCommand({
  summary: "Tells whether a blob is there, and its size.",
  operands: ["REPOSITORY@DIGEST"],
  options: connectionOptions,
  async run({ operands: [text = ""], ...run }) {
    const reference = parseContent(text);
    return withRepository({ ...run, reference, access: ["pull"] }, async (repository) => {
      const descriptor = await repository.headBlob(reference.digest, { signal: run.signal });
      if (descriptor === undefined) throw absent("BLOB_UNKNOWN", reference);
      run.print.result(descriptor, descriptorLines(descriptor));
      return exitStatus.done;
    });
  },
});

const put = defineCommand({
  summary: "Uploads a file, or with - standard input, as a blob, and prints its digest.",
  operands: ["REPOSITORY[@DIGEST]", "FILE"],
  notes: [
    "With DIGEST, only that content is taken. Standard input is passed on as it comes, whatever its length.",
  ],
  options: connectionOptions,
  async run({ operands: [text = "", file = ""], ...run }) {
    const reference = parseUntagged(text);
    const { print, signal } = run;
    const input = await openInput(file, { signal });
    return withRepository({ ...run, reference, access: ["pull", "push"] }, async (repository) => {
      const uploaded = await uploadInput(repository, input, { expected: reference.digest, signal });
      print.result(uploaded, uploaded.digest);
      return exitStatus.done;
    });
  },
});

const mount = defineCommand({
  summary: "Takes a blob over from another repository of the same registry, without sending it.",
  operands: ["REPOSITORY@DIGEST"],
  options: {
    from: {
      type: "string",
      value: "NAME",
      help: "the repository that has it; else the registry looks for one",
    },
    ...connectionOptions,
  },
  async run({ operands: [text = ""], ...run }) {
    const reference = parseContent(text);
    const { values, print, signal } = run;
    const from = values.from === undefined ? undefined : parseRepositoryName(values.from);
    return withClient({ ...run, registries: [reference.registry] }, async (client) => {
      const repository = client.repository(reference, { access: ["pull", "push"] });
      const descriptor = await repository.mountBlob(reference.digest, { from, signal });
      if (descriptor === undefined) throw await whyNotMounted(client, reference, { from, signal });
      print.result(descriptor, descriptor.digest);
      return exitStatus.done;
    });
  },
});

const remove = defineCommand({
  summary: "Removes a blob from a repository.",
  operands: ["REPOSITORY@DIGEST"],
  notes: ["Manifests that name it are left without it. That it was not there is no failure."],
  options: connectionOptions,
  async run({ operands: [text = ""], ...run }) {
    const reference = parseContent(text);
    return withRepository({ ...run, reference, access: ["delete"] }, async (repository) => {
      const result = await repository.deleteBlob(reference.digest, { signal: run.signal });
      printDeletion(run.print, reference, { result });
      return exitStatus.done;
    });
  },
});

export const blob: Command = defineGroup({
  summary: "Reads, writes, mounts and deletes blobs.",
  verbs: { get, head, put, mount, delete: remove },
});

/** Why a registry has not mounted the blob, as far as it can be told. */
async function whyNotMounted(
  client: Client,
  reference: ReturnType<typeof parseContent>,
  { from, signal }: CallOptions & { readonly from: string | undefined },
): Promise<OciError> {
  const { registry, digest } = reference;
  const origin = from === undefined ? undefined : { ...reference, repository: from };
  if (origin !== undefined) {
    const found = await client.repository(origin, { access: ["pull"] }).headBlob(digest, { signal });
    if (found === undefined) return absent("BLOB_UNKNOWN", origin);
  }
  return new OciError("UNSUPPORTED", `${registry} has not mounted ${digest}`, {
    hint:
      from === undefined
        ? "--from NAME tells where it is; not every registry looks for it"
        : "drayage blob get … | drayage blob put … - sends it instead",
  });
}
