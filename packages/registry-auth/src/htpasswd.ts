import { createHash, createHmac, randomBytes } from "node:crypto";
import { compare as compareBcrypt } from "bcryptjs";
import type { Account, Accounts, Login } from "@drayage/registry";
import { hashOfNothing, parseHtpasswd } from "./htpasswd-file.ts";
import { createQueue } from "./queue.ts";
import { createReloadingFile } from "./reloading-file.ts";

export interface HtpasswdOptions {
  /**
   * Whether a password is the one that a bcrypt hash was made of; by default in JavaScript, a tenth of a second at a
   * time. Who has a native one installed gives it here.
   */
  readonly compare?: ((password: string, hash: string) => Promise<boolean>) | undefined;
  /** Comparisons at a time; 1 by default, since JavaScript has no more. */
  readonly concurrency?: number | undefined;
  /** Is told of a change of the file that was not taken over. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/** How long a login need not be compared again, in milliseconds: clients send it with every request. */
const remembered = 60_000;
const rememberedLimit = 1000;
/** Logins that may wait for their comparison. */
const waiting = 64;
/** In characters; more is no password of a person, and costs time to look at. */
const loginLimit = 1024;

/**
 * The users of an htpasswd file with bcrypt hashes, which is read again when it changes.
 *
 * Nothing is read before somebody logs in. An unknown user takes as long as a wrong password.
 *
 * @example createHandler(registry, basicMethod(htpasswd("/etc/drayage/users")))
 */
export function htpasswd(file: string, options: HtpasswdOptions = {}): Accounts {
  const { compare = compareBcrypt, concurrency = 1, onError, now = Date.now } = options;
  const read = createReloadingFile(file, parseHtpasswd, { onError });
  const inTurn = createQueue({ concurrency, waiting });
  const known = createMemory(now);

  return {
    async logIn({ username, password, signal }: Login): Promise<Account | undefined> {
      const given = password.reveal();
      if (username.length + given.length > loginLimit || given.includes("\0")) return undefined;
      const { hashes, cost } = await read();
      const hash = hashes.get(username);
      if (hash !== undefined && known.has([username, given, hash])) return accountOf(username, hash);
      const isSame = await inTurn(() => compare(given, hash ?? hashOfNothing(cost)), { signal });
      if (hash === undefined || !isSame) return undefined;
      known.add([username, given, hash]);
      return accountOf(username, hash);
    },
    async find(subject) {
      const hash = (await read()).hashes.get(subject);
      return hash === undefined ? undefined : accountOf(subject, hash);
    },
  };
}

function accountOf(subject: string, hash: string): Account {
  return { identity: { subject }, version: createHash("sha256").update(hash).digest("base64url") };
}

/** Logins that were right a moment ago, in a form that tells nobody what they are. */
interface Memory {
  has(login: readonly string[]): boolean;
  add(login: readonly string[]): void;
}

function createMemory(now: () => number): Memory {
  const secret = randomBytes(32);
  const until = new Map<string, number>();
  // JSON keeps apart where one part ends and the next begins.
  const keyOf = (login: readonly string[]): string =>
    createHmac("sha256", secret).update(JSON.stringify(login)).digest("base64url");
  return {
    has: (login) => (until.get(keyOf(login)) ?? 0) > now(),
    add(login) {
      const oldest = until.size >= rememberedLimit ? until.keys().next().value : undefined;
      if (oldest !== undefined) until.delete(oldest);
      until.set(keyOf(login), now() + remembered);
    },
  };
}
