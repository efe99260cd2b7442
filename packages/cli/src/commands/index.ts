import type { Command } from "../command.ts";

/** Every command, loaded when it is needed. A new one is a file beside this and a line here. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  blob: async () => (await import("./blob.ts")).blob,
  cleanup: async () => (await import("./cleanup.ts")).cleanup,
  copy: async () => (await import("./copy.ts")).copy,
  delete: async () => (await import("./delete.ts")).remove,
  digest: async () => (await import("./digest.ts")).digest,
  gc: async () => (await import("./gc.ts")).gc,
  inspect: async () => (await import("./inspect.ts")).inspect,
  login: async () => (await import("./login.ts")).login,
  logout: async () => (await import("./logout.ts")).logout,
  ls: async () => (await import("./ls.ts")).ls,
  manifest: async () => (await import("./manifest.ts")).manifest,
  ping: async () => (await import("./ping.ts")).ping,
  pull: async () => (await import("./pull.ts")).pull,
  push: async () => (await import("./push.ts")).push,
  referrers: async () => (await import("./referrers.ts")).referrers,
  scrub: async () => (await import("./scrub.ts")).scrub,
  serve: async () => (await import("./serve.ts")).serve,
  tag: async () => (await import("./tag.ts")).tag,
};
