import { OciError } from "@drayage/oci";

/** What extended headers say of the entry behind them. */
export interface PaxRecords {
  readonly path?: string | undefined;
  readonly linkpath?: string | undefined;
  /** In bytes. */
  readonly size?: number | undefined;
}

const utf8 = new TextDecoder();

/**
 * The records that the content of an extended header spells: each is its own length, a key and a value.
 *
 * @throws OciError STORAGE_INVALID
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
 */
export function parsePax(bytes: Uint8Array): PaxRecords {
  const records = new Map<string, string>();
  for (let start = 0; start < bytes.byteLength; ) {
    const space = bytes.indexOf(0x20, start);
    const length = lengthOf(utf8.decode(bytes.subarray(start, Math.max(space, start))));
    const end = start + length;
    if (end > bytes.byteLength || end <= space || bytes[end - 1] !== 0x0a) throw invalid();
    const record = utf8.decode(bytes.subarray(space + 1, end - 1));
    const equals = record.indexOf("=");
    if (equals < 1) throw invalid();
    records.set(record.slice(0, equals), record.slice(equals + 1));
    start = end;
  }
  const size = records.get("size");
  return {
    path: records.get("path"),
    linkpath: records.get("linkpath"),
    size: size === undefined ? undefined : lengthOf(size),
  };
}

/** The content of an extended header that says `path`, which includes its own length. */
export function formatPaxPath(path: string): Uint8Array {
  const record = ` path=${path}\n`;
  const bytes = new TextEncoder().encode(record).byteLength;
  const length = [1, 2, 3, 4, 5, 6].find((digits) => String(bytes + digits).length === digits) ?? 7;
  return new TextEncoder().encode(`${bytes + length}${record}`);
}

function lengthOf(text: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw invalid();
}

function invalid(): OciError {
  return new OciError(
    "STORAGE_INVALID",
    "not a tar archive that can be read: an extended header is malformed",
  );
}
