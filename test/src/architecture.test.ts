import { basename, dirname, posix } from "node:path";
import { describe, expect, test } from "vitest";
import { type Finding, type FindingKind, findingsOf } from "./syntax.ts";
import { devDependencies, isTest, runtimeDependencies, sourceFiles, workspacePackages } from "./workspace.ts";

/** Which packages of ours each package may need at run time, by folder: the arrows of the architecture. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  oci: [],
  client: ["oci"],
  "credentials-docker": ["oci"],
  "credentials-ecr": ["oci"],
  "credentials-gar": ["oci"],
  "credentials-github": ["oci"],
  "credentials-acr": ["oci"],
  layout: ["oci"],
  copy: ["oci"],
  select: ["oci"],
  "vendor-apis": ["oci"],
  cleanup: ["oci", "select"],
  mirror: ["oci", "copy", "select"],
  "mirror-bullmq": ["oci", "mirror"],
  registry: ["oci"],
  "registry-auth": ["oci", "registry"],
  "registry-s3": ["oci", "registry"],
  compat: ["oci", "client", "registry", "registry-s3"],
  "registry-ui": [],
  testkit: ["oci"],
  cli: [
    "oci",
    "client",
    "credentials-docker",
    "credentials-ecr",
    "credentials-gar",
    "credentials-github",
    "credentials-acr",
    "layout",
    "copy",
    "select",
    "vendor-apis",
    "cleanup",
    "mirror",
    "mirror-bullmq",
    "registry",
    "registry-auth",
    "registry-s3",
    "registry-ui",
  ],
};

/** Packages whose tests cannot use the testkit, since it stands on them. */
const belowTestkit: readonly string[] = ["oci", "testkit"];

/** Names that say nothing about what is in a file. */
const emptyNames: readonly string[] = [
  "utils",
  "util",
  "helpers",
  "helper",
  "manager",
  "common",
  "types",
  "core",
];

interface Confinement {
  readonly what: string;
  readonly kind: FindingKind;
  readonly matches?: RegExp;
  /** Paths or beginnings of paths where it may stand. */
  readonly allowed: readonly string[];
  /** Beginning of a function's name within which it may stand. */
  readonly within?: string;
}

// Matched against texts in the code, not against comments: a link to a vendor's page is welcome there.
const vendorHost = new RegExp(
  `(?:^|[^\\w-])(?:${[
    String.raw`(?:docker|quay|ghcr|gcr|icr|jfrog|azurecr|cloudsmith|goharbor)\.io`,
    String.raw`(?:docker|github|gitlab|amazonaws|googleapis|azure|microsoft|microsoftonline)\.com`,
    String.raw`ecr\.aws|pkg\.dev|google\.internal|registry\.k8s\.io|githubusercontent\.com`,
  ].join("|")})(?![\\w-])`,
  "i",
);

/** Who may prove to a server who we are, and who asks for such a proof. */
const provingRooms: readonly string[] = [
  "packages/client/src/auth/",
  // to the vendor's own API, through the client
  "packages/credentials-",
  "packages/vendor-apis/src/",
  "packages/registry/src/auth/",
  "packages/testkit/src/scripted/",
  "packages/testkit/src/s3/signature.ts",
];

/** Things that may stand in few places only, each for a reason that the security model gives. */
const confinements: readonly Confinement[] = [
  { what: "default exports", kind: "default-export", allowed: [] },
  { what: "export *", kind: "export-all", allowed: [] },
  { what: "casts outside of parse functions", kind: "cast", allowed: [], within: "parse" },
  {
    what: "URLs made from text",
    kind: "new-url",
    allowed: [
      "packages/client/src/http/url.ts",
      "packages/oci/src/wire/link.ts",
      // a server, and no client of ours
      "packages/testkit/src/scripted/",
    ],
  },
  { what: "the global fetch", kind: "global-fetch", allowed: [] },
  {
    what: "undici",
    kind: "import",
    matches: /^undici$/,
    allowed: ["packages/client/src/http/"],
  },
  {
    what: "revealed secrets",
    kind: "reveal",
    allowed: [
      "packages/client/src/auth/",
      "packages/credentials-",
      "packages/vendor-apis/src/",
      "packages/registry/src/auth/",
      "packages/registry-auth/src/",
      "packages/testkit/src/contract/credential/",
      // The earlier API hands what the registry wants to see to its caller, as text.
      "packages/compat/src/docker-registry-client/auth.ts",
    ],
  },
  {
    what: "headers that prove who asks, written",
    kind: "key",
    matches: /^(?:proxy-)?authorization$|^cookie$/i,
    allowed: provingRooms,
  },
  {
    what: "headers that prove who asks, by name",
    kind: "text",
    matches: /^(?:proxy-)?authorization$|^cookie$/i,
    allowed: provingRooms,
  },
  {
    what: "vendors' host names",
    kind: "text",
    matches: vendorHost,
    allowed: [
      "packages/oci/src/reference.ts",
      "packages/client/src/quirks/",
      "packages/credentials-",
      "packages/vendor-apis/src/",
      // the name space of S3's documents, whoever speaks it
      "packages/testkit/src/s3/xml.ts",
    ],
  },
];

const packages = workspacePackages();
const folderOf = new Map(packages.map(({ name, folder }) => [name, folder]));
const sources = packages.flatMap(({ folder }) => sourceFiles(folder));
const shipped = sources.filter(({ path }) => !isTest(path));
const findings = shipped.flatMap(findingsOf);
const testFindings = sources.filter(({ path }) => isTest(path)).flatMap(findingsOf);

test("there is something to look at", () => {
  expect(packages.map(({ folder }) => folder)).toContain("oci");
  expect(shipped.map(({ path }) => path)).toContain("packages/oci/src/index.ts");
  expect(packages.filter(({ folder }) => sourceFiles(folder).length === 0)).toEqual([]);
});

describe.each(packages)("packages/$folder", (subject) => {
  test("is part of the architecture", () => {
    expect(Object.keys(arrows)).toContain(subject.folder);
  });

  test("depends only on what its arrows allow", () => {
    const allowed = arrows[subject.folder] ?? [];
    const others = foldersOf(runtimeDependencies(subject.manifest));
    expect(others.filter((folder) => !allowed.includes(folder))).toEqual([]);
  });

  test("needs nothing more of ours for its tests than the testkit", () => {
    const allowed = [
      ...(arrows[subject.folder] ?? []),
      ...(belowTestkit.includes(subject.folder) ? [] : ["testkit"]),
    ];
    const others = foldersOf(devDependencies(subject.manifest));
    expect(others.filter((folder) => !allowed.includes(folder))).toEqual([]);
  });

  test("imports only what it declares, and no file of another package", () => {
    const { folder, name, manifest } = subject;
    const declared = [name, ...runtimeDependencies(manifest)];
    expect(undeclaredImports(findings, folder, declared)).toEqual([]);
    expect(undeclaredImports(testFindings, folder, [...declared, ...devDependencies(manifest)])).toEqual([]);
  });
});

test("the arrows lead to packages that are known, and make no circle", () => {
  for (const [folder, others] of Object.entries(arrows)) {
    expect(others.filter((other) => arrows[other] === undefined || reaches(other, folder))).toEqual([]);
  }
});

test("no file is named after nothing", () => {
  const named = sources.filter(({ path }) => emptyNames.includes(basename(path).split(".")[0] ?? ""));
  expect(named.map(({ path }) => path)).toEqual([]);
});

describe.each(confinements)("$what", (confinement) => {
  test("stand only where they may", () => {
    const strays = findings.filter((finding) => isStray(finding, confinement));
    expect(strays.map(({ path, line, value }) => `${path}:${line}: ${value}`)).toEqual([]);
  });

  test("are allowed in places of packages that the architecture knows", () => {
    const folders = Object.keys(arrows).map((folder) => `packages/${folder}/`);
    const isKnown = (place: string): boolean =>
      folders.some((folder) => folder.startsWith(place) || place.startsWith(folder));
    expect(confinement.allowed.filter((place) => !isKnown(place))).toEqual([]);
  });
});

test.each([
  ["https://registry-1.docker.io/v2/", true],
  ["ghcr.io", true],
  ["*.dkr.ecr.eu-west-1.amazonaws.com", true],
  ["europe-docker.pkg.dev", true],
  ["contoso.azurecr.io/team/app", true],
  ["application/vnd.docker.distribution.manifest.v2+json", false],
  ["com.docker.official-images.bashbrew.arch", false],
  ["notdocker.io", false],
  ["docker.iot", false],
])("%s names a vendor's host: %s", (text, expected) => {
  expect(vendorHost.test(text)).toBe(expected);
});

function foldersOf(names: readonly string[]): readonly string[] {
  return names.flatMap((name) => folderOf.get(name) ?? []);
}

/** Whether following the arrows from one package leads to another. */
function reaches(from: string, to: string): boolean {
  const seen = new Set([from]);
  for (const folder of seen) for (const other of arrows[folder] ?? []) seen.add(other);
  return seen.has(to);
}

function isStray(finding: Finding, { kind, matches, allowed, within }: Confinement): boolean {
  if (finding.kind !== kind) return false;
  if (matches !== undefined && !matches.test(finding.value)) return false;
  if (within !== undefined && finding.inside.some((name) => name.startsWith(within))) return false;
  return !allowed.some((place) =>
    place.endsWith(".ts") ? finding.path === place : finding.path.startsWith(place),
  );
}

function undeclaredImports(
  among: readonly Finding[],
  folder: string,
  declared: readonly string[],
): readonly string[] {
  const inside = `packages/${folder}/`;
  return among
    .filter(({ kind, path }) => kind === "import" && path.startsWith(inside))
    .filter(({ path, value }) => {
      if (value.startsWith("node:")) return false;
      // What only tests need stands beside `src`, so that it is not shipped.
      const reach = isTest(path) ? inside : `${inside}src/`;
      if (value.startsWith(".")) return !posix.join(dirname(path), value).startsWith(reach);
      return !declared.includes(packageOf(value));
    })
    .map(({ path, line, value }) => `${path}:${line}: ${value}`);
}

/** The package part of an import specifier. */
function packageOf(specifier: string): string {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}
