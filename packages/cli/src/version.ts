import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ownValue, parseJson, parseObject } from "@drayage/oci";

/** The version of this package, as its manifest says. */
export function readVersion(): string {
  // The manifest lies above both src and dist.
  const bytes = readFileSync(join(import.meta.dirname, "..", "package.json"));
  const manifest = parseObject(parseJson(bytes, "STORAGE_INVALID")) ?? {};
  return String(ownValue(manifest, "version"));
}
