import { decodeBase64, OciError, ownValue, parseJsonObject, Secret, type Credential } from "@drayage/oci";

/**
 * The credential that a service account key is when it is sent as it is: JSON, or the base64 of it.
 *
 * @throws OciError OPTION_INVALID; never with the key
 * @see https://cloud.google.com/artifact-registry/docs/docker/authentication#json-key
 */
export function parseJsonKey(key: Secret | string): Credential {
  const text = (typeof key === "string" ? key : key.reveal()).trim();
  if (text.startsWith("{")) {
    checkServiceAccount(text);
    return { type: "basic", username: "_json_key", password: new Secret(text) };
  }
  const base64 = text.replaceAll(/\s/g, "");
  const decoded = decodeBase64(base64);
  if (decoded === undefined) throw invalid("neither JSON nor base64");
  checkServiceAccount(decoded);
  return { type: "basic", username: "_json_key_base64", password: new Secret(base64) };
}

function checkServiceAccount(text: string): void {
  const key = parseJsonObject(new TextEncoder().encode(text));
  if (key === undefined) throw invalid("not JSON");
  if (ownValue(key, "type") !== "service_account") throw invalid("not of type service_account");
  if (typeof ownValue(key, "private_key") !== "string") throw invalid("without a private_key");
}

function invalid(what: string): OciError {
  return new OciError("OPTION_INVALID", `\`jsonKey\` is ${what}`, {
    hint: "give the text of a service account's key file; other files belong in GOOGLE_APPLICATION_CREDENTIALS",
  });
}
