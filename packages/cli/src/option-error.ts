import { isOciError, OciError, ownValue, parseObject } from "@drayage/oci";

/** What is wrong with what the user gave for an option, so that whoever knows where it was given can say so. */
export function optionError(
  option: string,
  message: string,
  { cause, hint }: { readonly cause?: unknown; readonly hint?: string | undefined } = {},
): OciError {
  return new OciError("OPTION_INVALID", message, { cause, hint, detail: { option } });
}

/** The option that an error is about, if it is about one. */
export function optionOf(error: unknown): string | undefined {
  if (!isOciError(error, "OPTION_INVALID")) return undefined;
  const option = ownValue(parseObject(error.detail) ?? {}, "option");
  return typeof option === "string" ? option : undefined;
}
