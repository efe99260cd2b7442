const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The text whose UTF-8 bytes `base64` spells, or `undefined` if it is anything else.
 *
 * It may lack its padding, and stand on several lines.
 *
 * Node's own decoder skips what is not base64, so that garbage would become a secret.
 *
 * @see https://www.rfc-editor.org/rfc/rfc4648#section-4
 * @example decodeBase64("bWU6cGFzcw==") // "me:pass"
 */
export function decodeBase64(base64: string): string | undefined {
  const [digits = ""] = /^[A-Za-z0-9+/]+(?=={0,2}$)/.exec(base64.replaceAll(/[\r\n]/g, "")) ?? [];
  // One digit alone spells no byte.
  if (digits === "" || digits.length % 4 === 1) return undefined;
  try {
    return utf8.decode(Buffer.from(digits, "base64"));
  } catch {
    return undefined;
  }
}
