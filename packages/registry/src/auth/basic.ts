import { OciError } from "@drayage/oci";
import type { Accounts } from "./accounts.ts";
import type { AuthenticationMethod } from "./authenticate.ts";
import { basicChallenge } from "./challenge.ts";

/**
 * Lets clients in by the user name and password that they send with every request.
 *
 * @param options.realm what clients may show when they ask their user
 * @example createHandler(registry, basicMethod(htpasswd("/etc/drayage/users")))
 * @see https://www.rfc-editor.org/rfc/rfc7617
 */
export function basicMethod(
  accounts: Accounts,
  { realm = "registry" }: { readonly realm?: string | undefined } = {},
): AuthenticationMethod {
  return {
    challenge: basicChallenge(realm),
    async authenticate({ proof, peer: { address }, signal }) {
      if (proof?.scheme !== "basic") return undefined;
      const { username, password } = proof;
      const account = await accounts.logIn({ username, password, address, signal });
      if (account === undefined) throw new OciError("UNAUTHORIZED", "no such user, or another password");
      return account.identity;
    },
  };
}
