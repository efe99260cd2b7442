import { defineCommand, type Command } from "../command.ts";
import { connectionOptions, withClient } from "../connection.ts";
import { formatEnd, parseEnd, registriesOf, withSource } from "../end.ts";
import { exitStatus } from "../exit.ts";
import { inspectAt, type Inspection } from "../inspection.ts";
import { formatSize } from "../size.ts";

export const inspect: Command = defineCommand({
  summary: "Shows what an image, index or artifact consists of.",
  operands: ["REF"],
  options: connectionOptions,
  async run({ operands: [text = ""], ...run }) {
    const end = parseEnd(text);
    const { print, signal } = run;
    return withClient({ ...run, registries: registriesOf(end) }, (client) =>
      withSource(end, { client, signal }, async ({ source, at }) => {
        const inspection = await inspectAt(source, at, { signal });
        print.result(inspection, [formatEnd(end), ...describe(inspection, "  ")]);
        return exitStatus.done;
      }),
    );
  },
});

function describe(inspection: Inspection, indent: string): readonly string[] {
  const { descriptor, artifactType, subject, created, size, layers } = inspection;
  const { entrypoint, cmd, labels = {}, annotations = {} } = inspection;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["digest", descriptor.digest],
    ["media type", descriptor.mediaType],
    ["platform", inspection.manifests === undefined ? inspection.platform : undefined],
    ["artifact type", artifactType],
    ["subject", subject?.digest],
    ["created", created],
    ["entrypoint", formatWords(entrypoint)],
    ["cmd", formatWords(cmd)],
    ["size", size === undefined ? undefined : formatSize(size)],
    ["layers", layers && sizeOfLayers(layers)],
  ];
  return [
    ...rows.flatMap(([name, value]) =>
      value === undefined ? [] : [`${indent}${name.padEnd(13)}  ${value}`],
    ),
    ...(layers ?? []).map(({ digest, size }) => `${indent}  ${digest}  ${formatSize(size)}`),
    ...describeMap("labels", labels, indent),
    ...describeMap("annotations", annotations, indent),
    ...(inspection.manifests ?? []).flatMap((entry) => describeEntry(entry, indent)),
  ];
}

function describeEntry(entry: Inspection, indent: string): readonly string[] {
  const name = `${indent}${entry.platform ?? entry.artifactType ?? "manifest"}`;
  if (entry.isMissing === true) return ["", `${name}  ${entry.descriptor.digest}  not in this repository`];
  return ["", name, ...describe({ ...entry, platform: undefined }, `${indent}  `)];
}

function describeMap(name: string, map: Readonly<Record<string, string>>, indent: string): readonly string[] {
  const lines = Object.entries(map).map(([key, value]) => `${indent}  ${key}=${value}`);
  return lines.length === 0 ? [] : [`${indent}${name}`, ...lines];
}

/** The words of a command so that one can see where each of them ends. */
function formatWords(words: readonly string[] = []): string | undefined {
  return words.length === 0 ? undefined : JSON.stringify(words);
}

function sizeOfLayers(layers: readonly { readonly size: number }[]): string {
  const bytes = layers.reduce((sum, { size }) => sum + size, 0);
  return `${layers.length}, ${formatSize(bytes)}`;
}
