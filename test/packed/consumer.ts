import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseObject, readJson, root, type WorkspacePackage } from "../src/workspace.ts";

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

/** An empty project into which somebody has installed a few of the tarballs. */
export interface Project {
  readonly directory: string;
  /** Every package that npm has installed. */
  readonly installed: readonly string[];
}

/** What `use` gives for a project with nothing but `tarballs`, and what they bring. */
export function inProject<Result>(tarballs: readonly string[], use: (project: Project) => Result): Result {
  const directory = mkdtempSync(join(tmpdir(), "drayage-alone-"));
  try {
    writeFileSync(join(directory, "package.json"), JSON.stringify({ private: true }));
    run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", ...tarballs], directory);
    const { packages } = readJson(join(directory, "package-lock.json"));
    const paths = Object.keys(parseObject(packages)).filter((path) => path !== "");
    return use({ directory, installed: paths.map((path) => path.split("node_modules/").at(-1) ?? path) });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
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
