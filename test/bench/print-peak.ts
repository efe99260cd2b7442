// Preloaded (`node --import`) into a program that is measured: its last line on standard error is the peak of its
// resident set in KiB.
process.on("exit", () => process.stderr.write(`${process.resourceUsage().maxRSS}\n`));
