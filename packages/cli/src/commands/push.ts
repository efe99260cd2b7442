import { pushFiles, type PushedFile } from "@drayage/layout";
import {
  isMediaType,
  OciError,
  parseAt,
  type Annotations,
  type CallOptions,
  type Descriptor,
  type Target,
} from "@drayage/oci";
import { defineCommand, type Command } from "../command.ts";
import { connectionOptions, withClient } from "../connection.ts";
import { formatEnd, parseEnd, registriesOf, withTarget, type End } from "../end.ts";
import { exitStatus } from "../exit.ts";

export const push: Command = defineCommand({
  summary: "Stores files and directories as an artifact, as ORAS does.",
  operands: ["REF", "FILE[:TYPE]..."],
  notes: [
    "TYPE is the media type of a file, application/vnd.oci.image.layer.v1.tar unless told. A directory is packed as tar and " +
      "gzip. Files keep their paths, which have to be relative.",
    "The same files are the same artifact: no time is added. --annotation org.opencontainers.image.created=TIME adds one.",
    "With --subject the artifact is attached to what is in the same repository, and REF needs no tag.",
  ],
  options: {
    "artifact-type": { type: "string", value: "TYPE", help: "what the artifact is, as a media type" },
    annotation: {
      type: "string",
      multiple: true,
      value: "KEY=VALUE",
      help: "something to say about the artifact; may be given again",
    },
    subject: { type: "string", value: "TAG|DIGEST", help: "what the artifact is attached to" },
    ...connectionOptions,
  },
  async run({ operands: [text = "", ...names], values, print, signal }) {
    const end = parseNewEnd(text, values.subject);
    const files = names.map(parseFile);
    const annotations = parseAnnotations(values.annotation);
    const artifactType = values["artifact-type"];
    return withClient({ values, print, signal, registries: registriesOf(end) }, (client) =>
      withTarget(end, { client, signal, isPlan: false }, async (target) => {
        const subject = await findSubject(target, values.subject, { signal });
        const tags = end.tag === undefined ? [] : [end.tag];
        const options = { artifactType, annotations, subject, tags, signal };
        const descriptor = await pushFiles(target, files, options);
        print.result(descriptor, formatEnd({ ...end, digest: descriptor.digest }));
        return exitStatus.done;
      }),
    );
  },
});

/** Where something new is put, which has a tag unless it is attached to something. @throws OciError REFERENCE_INVALID */
function parseNewEnd(text: string, subject: string | undefined): End {
  const end = parseEnd(text);
  if (end.digest !== undefined)
    throw new OciError("REFERENCE_INVALID", `a digest is not expected here: "${text}"`);
  if (end.tag !== undefined || subject !== undefined) return end;
  throw new OciError("REFERENCE_INVALID", `no tag is named: "${text}"`, {
    hint: `write ${formatEnd({ ...end, tag: "latest" })} if that is meant`,
  });
}

/** A path, and the media type behind its last colon; with nothing behind it, the colons before it belong to the path. */
function parseFile(text: string): PushedFile {
  const colon = text.lastIndexOf(":");
  const type = text.slice(colon + 1);
  if (colon < 1 || (type !== "" && !isMediaType(type))) return { path: text };
  return { path: text.slice(0, colon), mediaType: type === "" ? undefined : type };
}

/** @throws OciError OPTION_INVALID */
function parseAnnotations(texts: readonly string[] = []): Annotations {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf("=");
      if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
      throw new OciError("OPTION_INVALID", `--annotation is KEY=VALUE, not "${text}"`);
    }),
  );
}

/** @throws OciError MANIFEST_UNKNOWN, TAG_INVALID */
async function findSubject(
  target: Target,
  text: string | undefined,
  { signal }: CallOptions,
): Promise<Descriptor | undefined> {
  if (text === undefined) return undefined;
  const found = await target.headManifest(parseAt(text), { signal });
  if (found !== undefined) return found;
  throw new OciError("MANIFEST_UNKNOWN", `there is nothing at ${text} that could be the subject`);
}
