import { invalidTar } from "./entry.ts";
import type { TarHeader } from "./header.ts";

/** The path of an entry within the archive, in one spelling. @throws OciError STORAGE_INVALID if it leads out */
export function pathOf(name: string): string {
  const path = normalized(name);
  if (name.startsWith("/") || path === undefined || path === "")
    throw invalidTar(`"${name}" is no path in it`);
  return path;
}

/** A symbolic link is relative to where it stands, a hard link to the archive. */
export function linkOf(path: string, { type, link }: TarHeader): string {
  const above = type === "2" ? path.slice(0, path.lastIndexOf("/") + 1) : "";
  const target = link.startsWith("/") ? undefined : normalized(`${above}${link}`);
  if (target === undefined) throw invalidTar(`"${path}" is a link that leads out of it`);
  return target;
}

/** Without `.` and `..`, or `undefined` if it leads above where it starts. */
function normalized(path: string): string | undefined {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join("/");
}
