import { isOciError, type Deleter, type DeleteResult, type CallOptions } from "@drayage/oci";
import { defineCommand, type Command } from "../command.ts";
import { connectionOptions, withRepository } from "../connection.ts";
import { printDeletion } from "../deletion.ts";
import { exitStatus } from "../exit.ts";
import { withHint } from "../hint.ts";
import { parseExplicit, type ExplicitReference } from "../location.ts";

export const remove: Command = defineCommand({
  summary: "Deletes a tag, or by digest a manifest with every tag that points to it.",
  operands: ["REF"],
  notes: [
    "With a tag and a digest, the tag is deleted only if it points there.",
    "That nothing was there is no failure.",
  ],
  options: connectionOptions,
  async run({ operands: [text = ""], ...run }) {
    const reference = parseExplicit(text);
    return withRepository({ ...run, reference, access: ["pull", "delete"] }, async (repository) => {
      const result = await deleteAt(repository, reference, { signal: run.signal });
      printDeletion(run.print, reference, { result });
      return exitStatus.done;
    });
  },
});

async function deleteAt(
  repository: Deleter,
  reference: ExplicitReference,
  { signal }: CallOptions,
): Promise<DeleteResult> {
  if (reference.tag === undefined) return repository.deleteManifest(reference.digest, { signal });
  const { tag, digest } = reference;
  return repository.deleteTag(tag, { ifMatch: digest, signal }).catch((error: unknown) => {
    if (!isOciError(error, "UNSUPPORTED")) throw error;
    throw withHint(
      error,
      "by its digest, the manifest is deleted with every tag; drayage digest REF tells it",
    );
  });
}
