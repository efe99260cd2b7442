import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { root } from "./workspace.ts";

const run = promisify(execFile);

it("the OpenTelemetry example makes a span of every request, below what it was asked for", async () => {
  const program = join(root, "examples/opentelemetry/traced-pull.ts");
  const { stdout } = await run(process.execPath, ["--conditions=@drayage/source", program]);
  expect(stdout.trimEnd().split("\n")).toEqual([
    "hello",
    "push drayage.progress",
    "  POST 202",
    "  PUT 201",
    "pull drayage.progress",
    "  GET 200",
  ]);
});
