import { OciError } from "@drayage/oci";
import type { Account, Accounts, Login } from "@drayage/registry";

export interface FailureLimitOptions {
  /** How often a user may fail from one address within a minute; 10 by default. */
  readonly failures?: number | undefined;
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/** In milliseconds. */
const span = 60_000;
/** More are not kept in mind, so that nobody can fill the memory with names. */
const rememberedLimit = 10_000;

/**
 * The same accounts, which look at no password for a while where their user has failed too often from one address.
 *
 * Nobody is kept out by failures from elsewhere: whoever knows a name could keep its user out otherwise. Behind a
 * proxy all come from one address.
 *
 * @example basicMethod(limitFailures(htpasswd("/etc/drayage/users")))
 */
export function limitFailures(accounts: Accounts, options: FailureLimitOptions = {}): Accounts {
  const { failures: limit = 10, now = Date.now } = options;
  const failures = new Failures(now);

  const logIn = async (login: Login): Promise<Account | undefined> => {
    const who = JSON.stringify([login.address ?? "", login.username]);
    const { count, until } = failures.of(who);
    if (count >= limit) {
      throw new OciError("TOOMANYREQUESTS", "too many wrong logins", { retryAfter: until - now() });
    }
    const account = await accounts.logIn(login);
    if (account === undefined) failures.add(who);
    else failures.forget(who);
    return account;
  };
  return { ...accounts, logIn };
}

/** How often somebody has failed, until a time when all is forgotten. */
interface FailureCount {
  readonly count: number;
  readonly until: number;
}

class Failures {
  readonly #now: () => number;
  readonly #counts = new Map<string, FailureCount>();

  constructor(now: () => number) {
    this.#now = now;
  }

  of(who: string): FailureCount {
    const known = this.#counts.get(who);
    const now = this.#now();
    return known !== undefined && known.until > now ? known : { count: 0, until: now + span };
  }

  add(who: string): void {
    const { count, until } = this.of(who);
    this.#counts.delete(who);
    const oldest = this.#counts.size >= rememberedLimit ? this.#counts.keys().next().value : undefined;
    if (oldest !== undefined) this.#counts.delete(oldest);
    this.#counts.set(who, { count: count + 1, until });
  }

  forget(who: string): void {
    this.#counts.delete(who);
  }
}
