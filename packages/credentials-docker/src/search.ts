import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { CallOptions } from "@drayage/oci";
import { parseDockercfg, parseDockerConfig, type DockerConfig } from "./config-file.ts";
import { unavailable } from "./failure.ts";
import { isSystemError, readFileIfThere } from "./read-file.ts";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The groups of places where a configuration can be. */
export type DockerConfigPlace = "DOCKER_AUTH_CONFIG" | "REGISTRY_AUTH_FILE" | "docker" | "containers";

/** Where to look. */
export interface SearchOptions {
  /** These files and no other place, in this order; a missing one is an error. */
  readonly files?: readonly string[] | undefined;
  /** The places that may be looked at, all by default; their order is fixed. */
  readonly places?: readonly DockerConfigPlace[] | undefined;
  /** `process.env` by default. */
  readonly env?: Environment | undefined;
}

/** A file that may be there. */
export interface Candidate {
  readonly place: DockerConfigPlace;
  readonly path: string;
  readonly parse: typeof parseDockerConfig;
  /** Nobody named it, and its directory may be closed to this user. */
  readonly isGuess?: boolean | undefined;
}

/** What the usual places depend on. */
export interface Machine {
  readonly env: Environment;
  readonly platform: NodeJS.Platform;
  /** Absent for a user whom the system does not know, as containers often run. */
  readonly home: string | undefined;
  readonly uid: number | undefined;
}

/**
 * The configurations that there are, in the order in which they count; a later one is read only if it is asked for.
 *
 * `REGISTRY_AUTH_FILE` excludes the usual places, as it does for podman and skopeo.
 *
 * @throws OciError CREDENTIAL_UNAVAILABLE for one that is malformed or unreadable, or named and not there
 */
export async function* searchConfigs(
  { files, places, env = process.env }: SearchOptions,
  { signal }: CallOptions = {},
): AsyncGenerator<DockerConfig, void, undefined> {
  if (files !== undefined) {
    for (const file of files) yield await demandConfig(file, { named: "files", signal });
    return;
  }
  const isWanted = (place: DockerConfigPlace): boolean => places === undefined || places.includes(place);
  const inline = env["DOCKER_AUTH_CONFIG"] ?? "";
  if (inline !== "" && isWanted("DOCKER_AUTH_CONFIG")) yield parseInline(inline);
  const file = env["REGISTRY_AUTH_FILE"] ?? "";
  if (file !== "" && isWanted("REGISTRY_AUTH_FILE")) {
    yield await demandConfig(file, { named: "REGISTRY_AUTH_FILE", signal });
    return;
  }
  for (const candidate of usualPlaces(thisMachine(env))) {
    const config = isWanted(candidate.place) ? await findConfig(candidate, { signal }) : undefined;
    if (config !== undefined) yield config;
  }
}

/** The files where a configuration usually is, in the order in which they count. */
export function usualPlaces(machine: Machine): readonly Candidate[] {
  const parse = parseDockerConfig;
  const places: readonly (Omit<Candidate, "path"> & { readonly path: string | undefined })[] = [
    { place: "docker", path: dockerConfigFile(machine), parse },
    ...containersRuntimeFile(machine),
    { place: "containers", path: below(configHome(machine), "containers", "auth.json"), parse },
    { place: "docker", path: below(machine.home, ".dockercfg"), parse: parseDockercfg },
  ];
  return places.flatMap(({ path, ...place }) => (path === undefined ? [] : [{ ...place, path }]));
}

/**
 * Docker's own file, whether or not it exists; `undefined` where there is no home directory that it could be in.
 * `DOCKER_CONFIG` names its directory.
 */
export function dockerConfigFile({ env, home }: Pick<Machine, "env" | "home">): string | undefined {
  return below(env["DOCKER_CONFIG"] || below(home, ".docker"), "config.json");
}

/** The machine this runs on, seen through `env`. */
export function thisMachine(env: Environment): Machine {
  const { platform } = process;
  const home = env[platform === "win32" ? "USERPROFILE" : "HOME"] || homeOfUser();
  return { env, platform, home, uid: process.getuid?.() };
}

function homeOfUser(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined;
  }
}

function below(directory: string | undefined, ...path: readonly string[]): string | undefined {
  return directory === undefined ? undefined : join(directory, ...path);
}

/** Where podman and skopeo write on Linux. A relative XDG path is to be ignored, says the XDG specification. */
function containersRuntimeFile({ env, platform, uid }: Machine): readonly Candidate[] {
  if (platform !== "linux") return [];
  const named = xdgPath(env["XDG_RUNTIME_DIR"]);
  const directory = named ?? (uid === undefined ? undefined : `/run/containers/${uid}`);
  if (directory === undefined) return [];
  const path =
    named === undefined ? join(directory, "auth.json") : join(directory, "containers", "auth.json");
  return [{ place: "containers", path, parse: parseDockerConfig, isGuess: named === undefined }];
}

function configHome({ env, home }: Machine): string | undefined {
  return xdgPath(env["XDG_CONFIG_HOME"]) ?? below(home, ".config");
}

function xdgPath(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

async function findConfig(candidate: Candidate, options: CallOptions): Promise<DockerConfig | undefined> {
  const { path, parse, isGuess = false } = candidate;
  try {
    const content = await readFileIfThere(path, options);
    return content && parse(content.bytes, { source: path, isExposed: content.isExposed });
  } catch (error) {
    const isClosed = error instanceof Error && isSystemError(error.cause, "EACCES");
    if (isGuess && isClosed) return undefined;
    throw error;
  }
}

async function demandConfig(
  path: string,
  { named, signal }: CallOptions & { readonly named: string },
): Promise<DockerConfig> {
  const content = await readFileIfThere(path, { signal });
  if (content !== undefined)
    return parseDockerConfig(content.bytes, { source: path, isExposed: content.isExposed });
  const hint = `log in with this file, or correct ${named}`;
  throw unavailable({ source: path, problem: `${named} names this file, and it is not there`, hint });
}

function parseInline(text: string): DockerConfig {
  return parseDockerConfig(new TextEncoder().encode(text), {
    source: "DOCKER_AUTH_CONFIG",
    isExposed: false,
  });
}
