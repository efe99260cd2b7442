import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readJson, root, type WorkspacePackage } from "../src/workspace.ts";

/** A project of somebody else's, with all our packages installed from their tarballs. */
export interface Consumer {
  readonly directory: string;
  /** The tarball of each package, by the package's name. */
  readonly tarballs: ReadonlyMap<string, string>;
  remove(): void;
}

/** Packs `packages` and installs them together with npm; only what they depend on comes from elsewhere. */
export function createConsumer(packages: readonly WorkspacePackage[]): Consumer {
  const directory = mkdtempSync(join(tmpdir(), "drayage-packed-"));
  const tarballs = new Map(packages.map((subject) => [subject.name, pack(subject, directory)]));
  const local = [...tarballs].map(([name, tarball]) => [name, `file:${tarball}`] as const);
  const { version: types } = readJson(join(root, "node_modules/@types/node/package.json"));
  const manifest = {
    private: true,
    type: "module",
    dependencies: Object.fromEntries(local),
    devDependencies: { "@types/node": types },
  };
  writeFileSync(join(directory, "package.json"), JSON.stringify(manifest));
  run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund"], directory);
  return { directory, tarballs, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

function pack({ name, directory }: WorkspacePackage, destination: string): string {
  const folder = mkdtempSync(join(destination, "tarball-"));
  run("pnpm", ["pack", "--pack-destination", folder], directory);
  const [tarball, ...more] = readdirSync(folder);
  if (tarball === undefined || more.length > 0) throw new Error(`${name} was not packed into one file`);
  return join(folder, tarball);
}

/** What npx hands down of its own command line to all that it starts, where it means something else. */
const flagsOfNpx = new Set(["allow_scripts", "call", "ignore_scripts", "include", "package", "yes"]);

/** What `command` printed. Throws, with all that it printed, unless it succeeds. */
export function run(command: string, args: readonly string[], directory: string): string {
  const inherited = Object.entries(process.env);
  const env = Object.fromEntries(
    inherited.filter(([name]) => !flagsOfNpx.has(name.replace("npm_config_", ""))),
  );
  const done = spawnSync(command, args, { cwd: directory, encoding: "utf8", env });
  if (done.status === 0) return done.stdout;
  const reason = done.error?.message ?? `status ${done.status}`;
  throw new Error(`${command} ${args.join(" ")}: ${reason}\n${done.stdout}\n${done.stderr}`);
}
