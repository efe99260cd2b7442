import { OciError } from "@drayage/oci";
import { inColumns, type Command } from "./command.ts";
import { exitStatus } from "./exit.ts";

interface Group {
  /** One sentence about all of them. */
  readonly summary: string;
  readonly verbs: Readonly<Record<string, Command>>;
}

/** The first word of several commands: alone, it can only explain them. */
export function defineGroup({ summary, verbs }: Group): Command {
  return {
    summary,
    verbs,
    help: (name) => [
      `drayage ${name} VERB ...`,
      "",
      summary,
      "",
      ...inColumns(Object.entries(verbs).map(([verb, command]) => [verb, command.summary])),
      "",
      `drayage ${name} VERB --help tells more.`,
    ],
    parse(args) {
      const [word] = args;
      const isHelp = args.includes("--help") || args.includes("-h");
      if (isHelp) return { isHelp, run: async () => exitStatus.done };
      const problem = word === undefined ? "a verb is missing" : `there is no verb "${word}"`;
      throw new OciError("OPTION_INVALID", `${problem}; there are ${Object.keys(verbs).join(", ")}`);
    },
  };
}
