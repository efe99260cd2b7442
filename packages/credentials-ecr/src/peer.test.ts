import { expect, test, vi } from "vitest";
import { fromEcr } from "./index.ts";

/** For use inside `toMatchObject`, where vitest's own is of type any. */
const containing = (text: string): unknown => expect.stringContaining(text);

// As if the optional peer were not installed.
vi.mock("@aws-sdk/client-ecr-public", () => {
  throw new Error("Cannot find package '@aws-sdk/client-ecr-public'");
});

test("public.ecr.aws without its SDK is an error that names the package", async () => {
  await expect(fromEcr()({ registry: "public.ecr.aws" })).rejects.toMatchObject({
    code: "CREDENTIAL_UNAVAILABLE",
    message: containing("@aws-sdk/client-ecr-public"),
    hint: containing("install"),
    cause: { message: containing("") },
  });
});

test("`publicRegistry: false` leaves public.ecr.aws anonymous", async () => {
  expect(await fromEcr({ publicRegistry: false })({ registry: "public.ecr.aws" })).toBeUndefined();
});
