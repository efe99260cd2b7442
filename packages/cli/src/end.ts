import type { Client } from "@drayage/client";
import { createLayout, writeArchive } from "@drayage/layout";
import {
  formatReference,
  MemoryRegistry,
  OciError,
  type At,
  type CallOptions,
  type Reference,
  type Source,
  type Target,
} from "@drayage/oci";
import { atOfLocal, formatLocal, parseLocal, withLocal, type Local } from "./local.ts";
import { atOf, parseLocation } from "./location.ts";

/** Where content comes from or goes to: a registry's repository, or a layout on this machine. */
export type End = Reference | Local;

/** The end that `text` names. @throws OciError REFERENCE_INVALID, NAME_INVALID, DIGEST_INVALID, OPTION_INVALID */
export function parseEnd(text: string): End {
  return parseLocal(text) ?? parseLocation(text);
}

/** `end` as it is written. */
export function formatEnd(end: End): string {
  return isLocal(end) ? formatLocal(end) : formatReference(end);
}

/** The registries among `ends`. */
export function registriesOf(...ends: readonly End[]): readonly string[] {
  return ends.flatMap((end) => (isLocal(end) ? [] : [end.registry]));
}

/** The repository from which blobs can be mounted, if both ends are in one registry. */
export function mountSource(source: End, target: End): string | undefined {
  if (isLocal(source) || isLocal(target)) return undefined;
  return source.registry === target.registry ? source.repository : undefined;
}

interface Access extends CallOptions {
  readonly client: Client;
}

/** Runs `use` with the source that `end` names, and what is meant in it. */
export function withSource<Result>(
  end: End,
  { client, signal }: Access,
  use: (opened: { readonly source: Source; readonly at: At }) => Promise<Result>,
): Promise<Result> {
  if (!isLocal(end)) return use({ source: client.repository(end, { access: ["pull"] }), at: atOf(end) });
  return withLocal(end, { signal }, async (source) =>
    use({ source, at: await atOfLocal(end, source, { signal }) }),
  );
}

/** Runs `use` with the target that `end` names; an archive is in place when `use` has succeeded. */
export async function withTarget<Result>(
  end: End,
  { client, signal, isPlan }: Access & { readonly isPlan: boolean },
  use: (target: Target) => Promise<Result>,
): Promise<Result> {
  if (!isLocal(end)) return use(client.repository(end, { access: ["pull", "push"] }));
  if (end.scheme === "oci") return use(createLayout(end.path));
  if (end.scheme === "docker-archive")
    throw new OciError("OPTION_INVALID", "docker-archive: can only be read");
  // An archive is written anew, so a plan sees what will be there before: nothing.
  return isPlan ? use(new MemoryRegistry().repository("archive")) : writeArchive(end.path, use, { signal });
}

function isLocal(end: End): end is Local {
  return "path" in end;
}
