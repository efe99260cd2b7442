import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root, without a trailing slash. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]$/, "");

export type JsonObject = Readonly<Record<string, unknown>>;

export interface WorkspacePackage {
  /** Name of its folder under `packages/`. */
  readonly folder: string;
  readonly name: string;
  readonly directory: string;
  readonly manifest: JsonObject;
}

/** Every package under `packages/`, by folder name. */
export function workspacePackages(): readonly WorkspacePackage[] {
  return readdirSync(join(root, "packages"))
    .filter((folder) => existsSync(join(root, "packages", folder, "package.json")))
    .toSorted()
    .map((folder) => {
      const directory = join(root, "packages", folder);
      const manifest = readJson(join(directory, "package.json"));
      return { folder, directory, manifest, name: String(manifest["name"]) };
    });
}

/** A file of the repository: its path from the root with forward slashes, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** The TypeScript files under `packages/<folder>/src`, tests included. */
export function sourceFiles(folder: string): readonly SourceFile[] {
  const source = join(root, "packages", folder, "src");
  return readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
    .map((file) => ({
      path: relative(root, file).replaceAll(sep, "/"),
      text: readFileSync(file, "utf8"),
    }));
}

export function isTest(path: string): boolean {
  return /\.test\.[cm]?tsx?$/.test(path);
}

/** The object in a JSON file. */
export function readJson(file: string): JsonObject {
  return parseObject(JSON.parse(readFileSync(file, "utf8")));
}

/** `value` itself if it is an object; an empty one if there is none. */
export function parseObject(value: unknown): JsonObject {
  if (value === undefined) return {};
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new TypeError(`not an object: ${JSON.stringify(value)}`);
}

const dependencyFields = ["dependencies", "optionalDependencies", "peerDependencies"] as const;

/** Names of the packages that are needed at run time, ours and others. */
export function runtimeDependencies(manifest: JsonObject): readonly string[] {
  return dependencyFields.flatMap((field) => Object.keys(parseObject(manifest[field]))).toSorted();
}

export function devDependencies(manifest: JsonObject): readonly string[] {
  return Object.keys(parseObject(manifest["devDependencies"])).toSorted();
}
