import { pullFiles, type PullFilesResult } from "@drayage/layout";
import { OciError } from "@drayage/oci";
import { defineCommand, type Command } from "../command.ts";
import { connectionOptions, withClient } from "../connection.ts";
import { formatEnd, parseEnd, registriesOf, withSource } from "../end.ts";
import { exitStatus } from "../exit.ts";
import { formatSize } from "../size.ts";

export const pull: Command = defineCommand({
  summary: "Fetches the files of an artifact, as push or ORAS has stored them.",
  operands: ["REF"],
  notes: [
    "All of them come or none. A file that is there already is left if it is the same, and is an error if it is another.",
    "What would lead out of the directory is refused, and so is a packed directory with links in it.",
  ],
  options: {
    output: { type: "string", short: "o", value: "DIR", help: "put the files into DIR (.)" },
    overwrite: { type: "boolean", help: "replace other files that are there already" },
    "keep-archives": { type: "boolean", help: "leave directories packed, as NAME.tar.gz" },
    ...connectionOptions,
  },
  async run({ operands: [text = ""], values, print, signal }) {
    const end = parseEnd(text);
    const { output = ".", overwrite } = values;
    const options = { overwrite, keepArchives: values["keep-archives"], signal };
    return withClient({ values, print, signal, registries: registriesOf(end) }, (client) =>
      withSource(end, { client, side: "source", signal }, async ({ source, at }) => {
        const result = await pullFiles({ repository: source, at }, output, options);
        if (result.files.length === 0) throw noFiles(formatEnd(end));
        print.result(result, linesOf(result));
        for (const { digest } of result.untitled) print.note(`left ${digest}, which has no name`);
        return exitStatus.done;
      }),
    );
  },
});

function linesOf({ files }: PullFilesResult): readonly string[] {
  return files.map(({ path, descriptor }) => `${path}  ${formatSize(descriptor.size)}`);
}

function noFiles(ref: string): OciError {
  return new OciError("UNSUPPORTED", `no layer of ${ref} is a file with a name`, {
    hint: "drayage copy takes images as they are",
  });
}
