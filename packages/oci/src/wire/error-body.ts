import { isOciErrorCode, statusOfCode, type OciErrorCode } from "../errors.ts";
import { ownValue, parseJson, parseObject, type JsonObject } from "../json.ts";

/** One error that a registry reports. */
export interface RegistryError {
  /** `UNKNOWN` where the registry gives none; any text, as it was sent. */
  readonly code: string;
  /** At most 1,000 characters. */
  readonly message?: string | undefined;
  /** Whatever the registry adds; never interpreted. */
  readonly detail?: unknown;
}

/** What the body of an error answer says. */
export interface ErrorBody {
  readonly errors: readonly RegistryError[];
  /** The beginning of a body that is not a registry's, such as a proxy's page; at most 300 characters. */
  readonly text?: string | undefined;
}

/** An error as a server reports it. */
export interface FormatErrorOptions {
  readonly code: OciErrorCode;
  readonly message?: string | undefined;
  /** Flat, so that nothing of unknown depth is serialized. */
  readonly detail?: string | number | Readonly<Record<string, string | number>> | undefined;
}

const entryLimit = 20;
const messageLimit = 1000;
const textLimit = 300;

/**
 * What the body of an error answer says, whoever wrote it; it never throws.
 *
 * Understood are `{"errors":[…]}` of the distribution-spec, one error as `{"error":{…}}` or bare, and the
 * `error` with `error_description` or `details` of token services.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
 */
export function parseErrorBody(body: Uint8Array): ErrorBody {
  const object = parseObject(parseLeniently(body));
  const errors = object === undefined ? [] : entriesOf(object).flatMap(parseEntry).slice(0, entryLimit);
  return errors.length > 0 ? { errors } : { errors, text: parseText(body) };
}

function parseLeniently(body: Uint8Array): unknown {
  try {
    return parseJson(body, "RESPONSE_INVALID");
  } catch {
    return undefined;
  }
}

function entriesOf(object: JsonObject): readonly unknown[] {
  const errors = ownValue(object, "errors");
  if (Array.isArray(errors)) return errors.slice(0, entryLimit);
  const error = ownValue(object, "error");
  return [errors ?? parseObject(error) ?? object];
}

function parseEntry(value: unknown): readonly RegistryError[] {
  if (typeof value === "string") return [{ code: "UNKNOWN", message: value.slice(0, messageLimit) }];
  const entry = parseObject(value);
  if (entry === undefined) return [];
  const code = firstString(entry, ["code", "error"]);
  const message = firstString(entry, ["message", "error_description", "details"]);
  if (code === undefined && message === undefined) return [];
  return [
    { code: code ?? "UNKNOWN", message: message?.slice(0, messageLimit), detail: ownValue(entry, "detail") },
  ];
}

function firstString(object: JsonObject, keys: readonly string[]): string | undefined {
  const values = keys.map((key) => ownValue(object, key));
  return values.filter((value) => typeof value === "string").find((value) => value !== "");
}

function parseText(body: Uint8Array): string | undefined {
  // No character takes more than four bytes.
  const text = new TextDecoder().decode(body.subarray(0, 4 * textLimit)).trim();
  return text === "" ? undefined : text.slice(0, textLimit);
}

/**
 * The first code among `errors` that is one a server may answer with.
 *
 * Codes that have no status of their own are ours alone: a registry cannot claim that we refused an address.
 */
export function codeOfErrors(errors: readonly RegistryError[]): OciErrorCode | undefined {
  return errors.map(({ code }) => code).find(isServerCode);
}

function isServerCode(code: string): code is OciErrorCode {
  return isOciErrorCode(code) && (statusOfCode(code) !== 500 || code === "UNKNOWN");
}

/**
 * The JSON body of an error answer.
 *
 * @example formatErrorBody([{ code: "MANIFEST_UNKNOWN", detail: "v1" }]) // '{"errors":[{"code":"MANIFEST_UNKNOWN","detail":"v1"}]}'
 */
export function formatErrorBody(errors: readonly FormatErrorOptions[]): string {
  return JSON.stringify({ errors: errors.map(({ code, message, detail }) => ({ code, message, detail })) });
}
