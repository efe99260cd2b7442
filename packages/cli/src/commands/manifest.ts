import {
  algorithmOf,
  bytesOf,
  documentOf,
  isOciError,
  OciError,
  parseJson,
  parseManifest,
  readAll,
  type Digest,
  type ManifestDocument,
} from "@drayage/oci";
import { absent } from "../absence.ts";
import { defineGroup } from "../command-group.ts";
import { defineCommand, type Command } from "../command.ts";
import { connectionOptions, withRepository } from "../connection.ts";
import { printDeletion } from "../deletion.ts";
import { descriptorLines } from "../descriptor-lines.ts";
import { exitStatus } from "../exit.ts";
import { withHint } from "../hint.ts";
import { bytesOfInput, openInput } from "../input.ts";
import { atOf, parseContent, parseExplicit, parseLocation } from "../location.ts";

/** How large a manifest may be, in bytes: what registries are sure to take. */
const manifestLimit = 4 * 1024 * 1024;

const get = defineCommand({
  summary: "Prints a manifest: byte for byte, or indented on a terminal.",
  operands: ["REF"],
  options: connectionOptions,
  async run({ operands: [text = ""], ...run }) {
    const reference = parseLocation(text);
    const { values, print, signal } = run;
    return withRepository({ ...run, reference, access: ["pull"] }, async (repository) => {
      const { descriptor, bytes } = await repository.getManifest(atOf(reference), { signal });
      const content = parseJson(bytes, "MANIFEST_INVALID");
      if (values.json === true) print.result({ descriptor, manifest: content }, []);
      else if (print.isTerminal) print.result(content, JSON.stringify(content, null, 2).split("\n"));
      else await print.bytes(bytesOf(bytes), { signal });
      return exitStatus.done;
    });
  },
});

const head = defineCommand({
  summary: "Tells whether a manifest is there, its digest, media type and size.",
  operands: ["REF"],
  options: connectionOptions,
  async run({ operands: [text = ""], ...run }) {
    const reference = parseLocation(text);
    return withRepository({ ...run, reference, access: ["pull"] }, async (repository) => {
      const descriptor = await repository.headManifest(atOf(reference), { signal: run.signal });
      if (descriptor === undefined) throw absent("MANIFEST_UNKNOWN", reference);
      run.print.result(descriptor, descriptorLines(descriptor));
      return exitStatus.done;
    });
  },
});

const put = defineCommand({
  summary: "Stores a file, or with - standard input, as a manifest, and prints its digest.",
  operands: ["REF", "FILE"],
  notes: [
    "It is stored byte for byte; the blobs and manifests that it names must be there already.",
    "With a tag, that will point to it. With a digest, only that content is taken, and without a tag nothing is tagged.",
  ],
  options: connectionOptions,
  async run({ operands: [text = "", file = ""], ...run }) {
    const reference = parseExplicit(text);
    const { tag, digest } = reference;
    const { print, signal } = run;
    const input = await openInput(file, { signal });
    const document = parseDocument(
      await readAll(bytesOfInput(input, { signal }), { limit: manifestLimit }),
      digest,
    );
    return withRepository({ ...run, reference, access: ["pull", "push"] }, async (repository) => {
      const tags = tag === undefined ? [] : [tag];
      const stored = await repository.putManifest(document, { tags, signal }).catch((error: unknown) => {
        if (!isOciError(error, "MANIFEST_BLOB_UNKNOWN")) throw error;
        throw withHint(error, "drayage blob put and drayage blob mount bring what it names");
      });
      print.result(stored, stored.digest);
      return exitStatus.done;
    });
  },
});

const remove = defineCommand({
  summary: "Deletes a manifest, with every tag that points to it.",
  operands: ["REPOSITORY@DIGEST"],
  notes: ["That it was not there is no failure. drayage delete removes a single tag."],
  options: connectionOptions,
  async run({ operands: [text = ""], ...run }) {
    const reference = parseContent(text);
    return withRepository({ ...run, reference, access: ["pull", "delete"] }, async (repository) => {
      const result = await repository.deleteManifest(reference.digest, { signal: run.signal });
      printDeletion(run.print, reference, { result });
      return exitStatus.done;
    });
  },
});

export const manifest: Command = defineGroup({
  summary: "Reads, writes and deletes manifests.",
  verbs: { get, head, put, delete: remove },
});

/** @throws OciError MANIFEST_INVALID, DIGEST_MISMATCH */
function parseDocument(bytes: Uint8Array, expected: Digest | undefined): ManifestDocument {
  const { mediaType } = parseManifest(bytes);
  const algorithm = expected === undefined ? undefined : algorithmOf(expected);
  const document = documentOf(bytes, mediaType, { algorithm });
  const { digest } = document.descriptor;
  if (expected === undefined || digest === expected) return document;
  throw new OciError("DIGEST_MISMATCH", `the manifest is ${digest}, not ${expected}`);
}
