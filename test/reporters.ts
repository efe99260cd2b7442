type Reporters = (string | [string, { readonly outputFile: string }])[];

/** The plain report; where `TEST_REPORT` names a file, also the counts as JSON in it. */
export function reporters(): Reporters {
  const outputFile = process.env["TEST_REPORT"];
  return outputFile ? ["default", ["json", { outputFile }]] : ["default"];
}
