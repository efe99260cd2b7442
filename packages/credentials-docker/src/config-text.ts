import { ownValue, parseObject, type JsonObject } from "@drayage/oci";
import { parseDockerConfig } from "./config-file.ts";
import { credentialFields } from "./entry.ts";

/** What the entries of `auths` become. */
export type EntryChange = (entries: JsonObject) => JsonObject;

/**
 * The configuration with other `auths`; everything else stays, numbers to the last digit.
 *
 * @returns `undefined` if nothing changes
 * @throws OciError CREDENTIAL_UNAVAILABLE for a configuration that is malformed: it is not overwritten
 */
export function changeEntries(
  content: Uint8Array | undefined,
  { source, change }: { readonly source: string; readonly change: EntryChange },
): Uint8Array | undefined {
  const bytes = content ?? new Uint8Array();
  parseDockerConfig(bytes, { source, isExposed: false });
  const config = parseExactly(bytes);
  const before = parseObject(ownValue(config, "auths") ?? {}) ?? {};
  const after = change(before);
  if (JSON.stringify(before) === JSON.stringify(after)) return undefined;
  return new TextEncoder().encode(`${JSON.stringify({ ...config, auths: after }, null, "\t")}\n`);
}

/** `entry` with nothing of a credential in it but `fields`. */
export function entryWith(entry: unknown, fields: JsonObject): JsonObject {
  const kept = Object.entries(parseObject(entry) ?? {}).filter(
    ([field]) => !credentialFields.some((each) => each === field),
  );
  return { ...Object.fromEntries(kept), ...fields };
}

interface JsonWithSource {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
}

/**
 * The object, with numbers as they are spelt: as a JavaScript number, 9007199254740993 would become another one.
 *
 * @see https://github.com/tc39/proposal-json-parse-with-source
 */
function parseExactly(bytes: Uint8Array): JsonObject {
  const text = new TextDecoder().decode(bytes);
  if (text.trim() === "") return {};
  const json = JSON as unknown as JsonWithSource; // not in TypeScript's library yet
  const value = json.parse(text, (_key, each, { source }) =>
    typeof each === "number" ? json.rawJSON(source) : each,
  );
  return parseObject(value) ?? {};
}
