import { OciError } from "@drayage/oci";

/*
 * Tags differ by case where file systems may not, so that capitals become small letters and their places follow,
 * in hexadecimal: `v1` is the file `v1=`, `Latest` is `latest=1`. No directory has a `=` in its name, so that a
 * document and a directory of one name do not meet.
 */

/** How long file names may be, in bytes. */
const longestName = 255;
const segmentPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
const directoryPattern = /^[a-z0-9_][a-z0-9._-]*$/;

/**
 * The path of a document below the root of all, in segments.
 *
 * @throws OciError NAME_INVALID for the one length that repository names may have and file names may not
 */
export function pathOfKey(key: string): readonly string[] {
  const segments = key.split("/");
  const last = segments.pop() ?? "";
  if (!segmentPattern.test(last)) throw notAKey();
  const file = encodeSegment(last);
  if (file.length > longestName) throw new OciError("NAME_INVALID", "a name too long for this storage");
  return [...segments.map(requireDirectory), file];
}

/** The directory of all documents that begin with `prefix`, in segments. */
export function pathOfPrefix(prefix: string): readonly string[] {
  if (!prefix.endsWith("/")) throw notAKey();
  return prefix.slice(0, -1).split("/").map(requireDirectory);
}

/** The last segment of the key that is stored in a file of that name; `undefined` for a file that is not ours. */
export function parseFileName(name: string): string | undefined {
  const end = name.lastIndexOf("=");
  if (end < 0) return undefined;
  const segment = raise(name.slice(0, end), name.slice(end + 1));
  if (segment === undefined || !segmentPattern.test(segment)) return undefined;
  return encodeSegment(segment) === name ? segment : undefined;
}

function encodeSegment(segment: string): string {
  let capitals = 0n;
  for (let index = 0; index < segment.length; index++) {
    if (isCapital(segment.charAt(index))) capitals |= 1n << BigInt(index);
  }
  return `${segment.toLowerCase()}=${capitals === 0n ? "" : capitals.toString(16)}`;
}

function raise(text: string, places: string): string | undefined {
  if (places === "") return text;
  if (!/^[0-9a-f]{1,64}$/.test(places)) return undefined;
  const capitals = BigInt(`0x${places}`);
  return text
    .split("")
    .map((character, index) => (capitals & (1n << BigInt(index)) ? character.toUpperCase() : character))
    .join("");
}

function isCapital(character: string): boolean {
  return character >= "A" && character <= "Z";
}

function requireDirectory(segment: string): string {
  if (directoryPattern.test(segment)) return segment;
  throw notAKey();
}

function notAKey(): OciError {
  return new OciError("STORAGE_INVALID", "not the key of a document");
}
