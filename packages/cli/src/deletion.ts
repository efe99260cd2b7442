import { formatReference, type DeleteResult, type Reference } from "@drayage/oci";
import type { Printer } from "./print.ts";

/** Prints what a delete has found; that nothing was there is what was wanted. */
export function printDeletion(
  print: Pick<Printer, "result">,
  reference: Reference,
  { result }: { readonly result: DeleteResult },
): void {
  const { tag, digest } = reference;
  const name = formatReference(reference);
  print.result({ tag, digest, result }, result === "deleted" ? `deleted ${name}` : `there was no ${name}`);
}
