import type { Secret } from "@drayage/oci";

/** What a registry wants to see, in clear text. */
export type AuthInfo =
  | { readonly type: "None" }
  | { readonly type: "Basic"; readonly username: string; readonly password: string }
  | { readonly type: "Bearer"; readonly token: string };

/** What the value of an `Authorization` header says. */
export function authInfoOf(authorization: Secret | undefined): AuthInfo {
  const [scheme, value = ""] = (authorization?.reveal() ?? "").split(" ", 2);
  if (scheme === "Bearer") return { type: "Bearer", token: value };
  if (scheme !== "Basic") return { type: "None" };
  const pair = Buffer.from(value, "base64").toString();
  const colon = pair.indexOf(":");
  return { type: "Basic", username: pair.slice(0, colon), password: pair.slice(colon + 1) };
}
