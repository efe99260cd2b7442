import type { CallOptions, Secret } from "@drayage/oci";
import type { Identity } from "./identity.ts";

/** A user name and password, or what clients that know nothing else send as such. */
export interface Login extends CallOptions {
  readonly username: string;
  readonly password: Secret;
  /** Of the other end of the connection, as far as it is known. */
  readonly address?: string | undefined;
}

/** Somebody who may log in. */
export interface Account {
  readonly identity: Identity & { readonly subject: string };
  /** Changes with the password, so that earlier logins count no longer. */
  readonly version?: string | undefined;
}

/** Those who may log in. */
export interface Accounts {
  /**
   * Whose login it is, `undefined` if it is wrong; unknown users take as long as wrong passwords.
   *
   * @throws OciError TOOMANYREQUESTS, UNAVAILABLE
   */
  logIn(login: Login): Promise<Account | undefined>;
  /** The account of who has logged in before, if it is still there; without this nobody can stay logged in. */
  find?(subject: string, options?: CallOptions): Promise<Account | undefined>;
}

/** The accounts of several sources, asked in this order. */
export function anyAccounts(...sources: readonly Accounts[]): Accounts {
  return {
    async logIn(login) {
      for (const source of sources) {
        const account = await source.logIn(login);
        if (account !== undefined) return account;
      }
      return undefined;
    },
    async find(subject, options) {
      for (const source of sources) {
        const account = await source.find?.(subject, options);
        if (account !== undefined) return account;
      }
      return undefined;
    },
  };
}
