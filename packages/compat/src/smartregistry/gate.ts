import { formatChallenge } from "@drayage/oci";
import { bearerChallenge } from "@drayage/registry";
import type { IRegistryConfig } from "./config.ts";
import type { Failure } from "./results.ts";

/** What a call does with a repository. */
export type Action = "pull" | "push" | "delete";

/** What the callback has to allow for a call. */
export interface Wanted {
  /** Empty for none. */
  readonly token: string;
  readonly repository: string;
  readonly action: Action;
}

/** Asks the callback, and believes nothing but its `true`. */
export class Gate {
  readonly #config: IRegistryConfig;

  constructor(config: IRegistryConfig) {
    this.#config = config;
  }

  /** @throws whatever the callback throws of a token; without one that is a refusal */
  async allows({ token, repository, action }: Wanted): Promise<boolean> {
    try {
      const allowed: unknown = await this.#config.authCallback(token, repository, action);
      return allowed === true; // not a promise that nobody waited for, nor an identity (S30)
    } catch (error) {
      // Callbacks that verify a token throw where there is none.
      if (token === "") return false;
      throw error;
    }
  }

  /** What a client is told that has to show a token, or another one. */
  refusal({ token, repository, action }: Wanted): Failure {
    const actions = action === "push" ? ["pull", "push"] : [action];
    const error = token === "" ? undefined : "insufficient_scope";
    return {
      status: 401,
      errors: [{ code: "UNAUTHORIZED", message: "authentication is required" }],
      headers: { "www-authenticate": this.challenge({ repository, actions, error }) },
    };
  }

  challenge({
    repository,
    actions,
    error,
  }: {
    readonly repository: string;
    readonly actions: readonly string[];
    readonly error?: "insufficient_scope" | undefined;
  }): string {
    const { tokenRealm, serviceName } = this.#config;
    const scopes = [{ type: "repository", name: repository, actions }];
    return formatChallenge(bearerChallenge(tokenRealm, serviceName)({ scopes, error }));
  }
}
