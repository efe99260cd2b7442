import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commands } from "../../packages/cli/src/commands/index.ts";
import { root, sourceFiles, workspacePackages } from "./workspace.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const map = read("docs/architecture.md");
const packages = workspacePackages();

test("docs/architecture.md and README.md name every package, and no other", () => {
  const names = new Set(packages.map(({ name }) => name));
  const onMap = [...map.matchAll(/^\| `((?:@drayage\/)?[a-z0-9-]+)` \|/gm)].map(([, name]) => name);
  expect(new Set(onMap)).toEqual(names);
  const onFirstPage = [...read("README.md").matchAll(/^\| \[`(.+?)`\]\(packages\//gm)].map(
    ([, name]) => name,
  );
  expect(new Set(onFirstPage)).toEqual(names);
});

test.each(packages)("$name says where it comes from, as provenance asks for", ({ folder, manifest }) => {
  const directory = `packages/${folder}`;
  expect(manifest).toMatchObject({
    homepage: `https://github.com/drayage/drayage/tree/main/${directory}#readme`,
    repository: { type: "git", url: "git+https://github.com/drayage/drayage.git", directory },
    bugs: "https://github.com/drayage/drayage/issues",
  });
});

test("docs/architecture.md has every room of the tree, and no other", () => {
  const rooms = packages.flatMap(({ folder }) => {
    const folders = sourceFiles(folder).map(({ path }) => path.split("/").slice(1, 4));
    const inRooms = folders.filter(([, , last = ""]) => !last.endsWith(".ts"));
    return [`${folder}/src`, ...inRooms.map((parts) => parts.join("/"))];
  });
  const ofCredentials = (room: string): string => room.replace(/^credentials-[a-z]+\//, "credentials-*/");
  const [, section = ""] = map.split(/^## Rooms$|^## Nouns and verbs$/m);
  const onMap = [...section.matchAll(/^\| `([a-z0-9*-]+\/src(?:\/[a-z0-9-]+)?)` \|/gm)].map(
    ([, room]) => room,
  );
  expect(new Set(onMap)).toEqual(new Set(rooms.map(ofCredentials)));
});

test("the page of the command names every command, and no other", async () => {
  const all = await Promise.all(
    Object.entries(commands).map(async ([name, load]) => {
      const { verbs } = await load();
      return verbs === undefined ? [name] : Object.keys(verbs).map((verb) => `${name} ${verb}`);
    }),
  );
  const rows = read("packages/cli/README.md").matchAll(/^\| `drayage ([a-z]+(?: [a-z]+)?)/gm);
  expect(new Set([...rows].map(([, name]) => name))).toEqual(new Set(all.flat()));
});
