/**
 * The parts of a path below the place where files are put, or `undefined` if it could lead to any other, here or on
 * another system.
 */
export function partsOf(path: string): readonly string[] | undefined {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  const isOutside = path.startsWith("/") || parts.length === 0 || parts.includes("..");
  return isOutside || parts.some(isStrange) ? undefined : parts;
}

/** What Windows reads as a separator or a drive, and what no file can be called. */
function isStrange(part: string): boolean {
  return /[\\\u0000-\u001f\u007f]/.test(part) || (process.platform === "win32" && part.includes(":"));
}

/** The first of `titles` that is there twice, or is a directory for another one. */
export function findClash(titles: readonly string[]): string | undefined {
  const all = new Set<string>();
  for (const title of titles) {
    if (all.has(title)) return title;
    all.add(title);
  }
  return titles.find((title) => parentsOf(title).some((parent) => all.has(parent)));
}

function parentsOf(path: string): readonly string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}
