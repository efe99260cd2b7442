import type { RegistryClient } from "@drayage/client";
import {
  atSide,
  formatReference,
  isOciError,
  OciError,
  parseRegistry,
  type CallOptions,
  type Reference,
} from "@drayage/oci";

/** What to throw where nothing is at `reference`. */
export function absent(code: "MANIFEST_UNKNOWN" | "BLOB_UNKNOWN", reference: Reference): OciError {
  return new OciError(code, `there is no ${formatReference(reference)}`);
}

/**
 * `error`, or what is behind it: any web server says that something is not there, and only a registry can be believed.
 *
 * @param registries what the error may have come from
 */
export async function unlessNoRegistry(
  error: unknown,
  registries: readonly RegistryClient[],
  { signal }: CallOptions,
): Promise<unknown> {
  if (!isOciError(error, "MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "NAME_UNKNOWN", "UNSUPPORTED")) return error;
  // Who reports errors as registries do is one, and so is who refuses by another status.
  const isDoubtful = error.registryErrors === undefined && (error.status ?? 404) === 404;
  if (!isDoubtful) return error;
  for (const registry of registries.filter(({ name }) => isAbout(error, name))) {
    const answer = await registry.ping({ signal }).catch((reason: unknown) => reason);
    if (isOciError(answer, "UNSUPPORTED") && answer.status === 404)
      return noRegistry(registry, answer, error);
  }
  return error;
}

function isAbout({ url }: OciError, registry: string): boolean {
  return url === undefined || url.includes(`//${parseRegistry(registry).apiHost}/`);
}

function noRegistry({ name }: RegistryClient, { status, method, url }: OciError, cause: OciError): unknown {
  const message = `${name} answers, but is no registry: ${method} ${url} is ${status}`;
  const hint = "another host or port may be meant";
  const error = new OciError("UNSUPPORTED", message, { status, method, url, cause, hint });
  return cause.side === undefined ? error : atSide(error, cause.side);
}
