import { OciError } from "@drayage/oci";

/** The hashes of an htpasswd file by user, and the highest cost among them. */
export interface HashedPasswords {
  readonly hashes: ReadonlyMap<string, string>;
  readonly cost: number;
}

const usualCost = 10;
/** A check at this cost takes seconds, at the highest one days. */
const highestCost = 16;

/**
 * The users of an htpasswd file, all of them with bcrypt, as `htpasswd -B` writes it.
 *
 * @throws OciError OPTION_INVALID that names the line and quotes nothing of it
 * @see https://httpd.apache.org/docs/current/misc/password_encryptions.html
 */
export function parseHtpasswd(text: string): HashedPasswords {
  const hashes = new Map<string, string>();
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trimEnd();
    if (line === "" || line.startsWith("#")) continue;
    const where = `line ${index + 1} of the htpasswd file`;
    const { user, hash } = parseLine(line, where);
    if (hashes.has(user)) throw new OciError("OPTION_INVALID", `${where} names a user once more`);
    hashes.set(user, hash);
  }
  const cost = Math.max(0, ...Array.from(hashes.values(), costOf)) || usualCost;
  return { hashes, cost };
}

function parseLine(line: string, where: string): { readonly user: string; readonly hash: string } {
  const colon = line.indexOf(":");
  if (colon < 1) throw new OciError("OPTION_INVALID", `${where} is not user:hash`);
  const hash = line.slice(colon + 1);
  if (!/^\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}$/.test(hash)) {
    throw new OciError("OPTION_INVALID", `${where} has no bcrypt hash`, { hint: "htpasswd -B makes them" });
  }
  const cost = costOf(hash);
  if (cost < 4 || cost > highestCost) {
    throw new OciError("OPTION_INVALID", `${where} has a cost of ${cost}, 4 to ${highestCost} are possible`);
  }
  return { user: line.slice(0, colon), hash };
}

function costOf(hash: string): number {
  return Number(hash.slice(4, 6));
}

/** A hash of no password, which takes as long to check as one of that cost. */
export function hashOfNothing(cost: number): string {
  return `$2b$${String(cost).padStart(2, "0")}$${"abcdefghijklmnopqrstuu"}${"/".repeat(31)}`;
}
