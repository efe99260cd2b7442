import { applyCleanup, explain, formatPlans, openJournalFile, parsePolicy } from "@drayage/cleanup";
import type { CleanupPlan, CleanupResult } from "@drayage/cleanup";
import { bytesOf, isDigest, OciError } from "@drayage/oci";
import {
  cleanupOptions,
  entryLine,
  openCache,
  planFor,
  planLines,
  readPlans,
  readText,
  resultLines,
  statusOf,
} from "../cleanup.ts";
import { defineGroup } from "../command-group.ts";
import { defineCommand, parseCount, type Command } from "../command.ts";
import { connectionOptions, withClient } from "../connection.ts";
import { exitStatus } from "../exit.ts";
import { parseRepository } from "../location.ts";
import { requireNew, saveFile } from "../save.ts";

const plan = defineCommand({
  summary: "Says which tags and manifests of repositories would go by a policy, and why; nothing is changed.",
  operands: ["POLICY", "REPOSITORY..."],
  notes: [
    "POLICY is a file of YAML or JSON. With --output the plans are kept in a file, which apply and explain take.",
    "Ends with 3 if a plan is blocked: by the policy's limits, or since not everything could be read.",
  ],
  options: {
    output: { type: "string", short: "o", value: "FILE", help: "keep the plans in a new file" },
    ...cleanupOptions,
    ...connectionOptions,
  },
  async run({ operands: [file = "", ...names], ...run }) {
    const { values, print, signal } = run;
    const policy = parsePolicy(await readText(file), { file });
    const references = names.map(parseRepository);
    const concurrency = parseCount(values.concurrency, "concurrency");
    if (values.output !== undefined) await requireNew(values.output);
    const registries = references.map(({ registry }) => registry);
    return withClient({ ...run, registries }, async (client) => {
      const plans: CleanupPlan[] = [];
      for (const reference of references) {
        const { cache } = values;
        const made = await planFor(reference, { client, policy, cache, concurrency, print, signal });
        print.result(made, planLines(made));
        plans.push(made);
      }
      if (values.output !== undefined) {
        await saveFile(values.output, bytesOf(new TextEncoder().encode(formatPlans(plans))), { signal });
      }
      return plans.every(({ status }) => status === "ok") ? exitStatus.done : exitStatus.partly;
    });
  },
});

const apply = defineCommand({
  summary: "Deletes what plans say and nothing else; what has moved or is needed by now stays.",
  operands: ["PLAN"],
  notes: [
    "PLAN is what plan --output wrote. Every deletion is written to the journal; run it again after an interruption,",
    "and it goes on. Ends with 3 if it was blocked, or if something was refused or is left, and with 1 if it failed.",
  ],
  options: {
    journal: { type: "string", value: "FILE", help: "where to write what was done, PLAN.journal by default" },
    limit: { type: "string", value: "N", help: "how many deletions of each repository may be tried" },
    "allow-empty": { type: "boolean", help: "also apply plans that leave a repository without any tag" },
    ...cleanupOptions,
    ...connectionOptions,
  },
  async run({ operands: [file = ""], ...run }) {
    const { values, print, signal } = run;
    const plans = (await readPlans(file)).map((one) => ({
      plan: one,
      reference: parseRepository(one.repository),
    }));
    const concurrency = parseCount(values.concurrency, "concurrency");
    const maxOperations = parseCount(values.limit, "limit");
    const journal = await openJournalFile(values.journal ?? `${file}.journal`);
    try {
      const registries = plans.map(({ reference }) => reference.registry);
      return await withClient({ ...run, registries }, async (client) => {
        const results: CleanupResult[] = [];
        for (const { plan: one, reference } of plans) {
          const target = client.repository(reference, { access: ["pull", "delete"] });
          const result = await applyCleanup(one, target, {
            name: one.repository,
            journal,
            concurrency,
            maxOperations,
            allowEmpty: values["allow-empty"],
            cache: await openCache(one.repository, values.cache),
            onEntry: (entry) => print.result(entry, entryLine(entry)),
            signal,
          });
          print.result({ repository: one.repository, ...result }, resultLines(one, result));
          results.push(result);
        }
        return statusOf(results);
      });
    } finally {
      await journal.close();
    }
  },
});

const why = defineCommand({
  summary: "Says why a tag or a digest stays or goes by a plan, step by step.",
  operands: ["PLAN", "TAG|DIGEST"],
  options: {},
  async run({ operands: [file = "", at = ""], print }) {
    const plans = (await readPlans(file)).filter(({ tags, manifests }) =>
      isDigest(at) ? manifests.some(({ digest }) => digest === at) : tags.some(({ name }) => name === at),
    );
    if (plans.length === 0) throw new OciError("MANIFEST_UNKNOWN", `the plan does not know ${at}`);
    for (const one of plans) {
      const explanation = explain(one, at);
      print.result({ repository: one.repository, ...explanation }, [one.repository, ...explanation.chain]);
    }
    return exitStatus.done;
  },
});

export const cleanup: Command = defineGroup({
  summary: "Deletes tags and manifests by a policy: plans first, then applies the plan.",
  verbs: { plan, apply, explain: why },
});
