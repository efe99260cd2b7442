import { isDigest, type CallOptions, type Digest, type ManifestReader, type Reference } from "@drayage/oci";
import { absent } from "../absence.ts";
import { defineCommand, type Command } from "../command.ts";
import { connectionOptions, withRepository } from "../connection.ts";
import { exitStatus } from "../exit.ts";
import { atOf, parseLocation } from "../location.ts";

export const referrers: Command = defineCommand({
  summary: "Lists what refers to a manifest, such as signatures and SBOMs.",
  operands: ["REF"],
  options: {
    "artifact-type": { type: "string", value: "TYPE", help: "only referrers of this artifact type" },
    ...connectionOptions,
  },
  async run({ operands: [text = ""], ...run }) {
    const reference = parseLocation(text);
    const { values, print, signal } = run;
    const artifactType = values["artifact-type"];
    return withRepository({ ...run, reference, access: ["pull"] }, async (repository) => {
      const subject = await digestAt(repository, reference, { signal });
      for await (const referrer of repository.listReferrers(subject, { artifactType, signal })) {
        print.result(referrer, `${referrer.digest}  ${referrer.artifactType ?? referrer.mediaType}`);
      }
      return exitStatus.done;
    });
  },
});

/** What `reference` names; a digest is not looked for, since what refers to it may be there without it. */
async function digestAt(
  repository: ManifestReader,
  reference: Reference,
  { signal }: CallOptions,
): Promise<Digest> {
  const at = atOf(reference);
  if (isDigest(at)) return at;
  const descriptor = await repository.headManifest(at, { signal });
  if (descriptor === undefined) throw absent("MANIFEST_UNKNOWN", reference);
  return descriptor.digest;
}
