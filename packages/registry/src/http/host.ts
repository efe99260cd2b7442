import { OciError } from "@drayage/oci";

/**
 * Throws unless the server may be called so. Whoever owns a name can have it lead to this machine, and then a page
 * under that name is, for a browser, of the same origin as this server.
 *
 * @throws OciError DENIED
 */
export function requireHost(host: string | undefined, allowed: readonly string[] | undefined): void {
  if (allowed === undefined) return;
  const given = (host ?? "").toLowerCase();
  const name = given.replace(/:[0-9]{1,5}$/, "");
  if (allowed.some((each) => [given, name].includes(each.toLowerCase()))) return;
  throw new OciError("DENIED", "this server goes by another name");
}
