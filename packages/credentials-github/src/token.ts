import { isVisibleAscii, OciError, Secret, type Credential } from "@drayage/oci";

/** What GHCR wants of each kind of token; the beginnings are GitHub's own. */
const hints: readonly (readonly [prefix: string, hint: string])[] = [
  [
    "github_pat_",
    "GitHub Packages takes no fine-grained tokens: make a classic one with read:packages (pull), write:packages (push) or delete:packages",
  ],
  [
    "ghs_",
    "a workflow needs `permissions: packages: read` or `write`; where somebody else pushed the package first, add the repository in the package's settings under Manage Actions access",
  ],
  [
    "gho_",
    "the token of gh lacks the scopes for packages: `gh auth refresh -s read:packages,write:packages`",
  ],
];

const classicHint =
  "a classic token needs read:packages (pull), write:packages (push) or delete:packages, and single sign-on where the organisation asks for it";

/**
 * `token` as GHCR takes it, with a hint that fits its kind.
 *
 * @param source what to call it when it cannot be a token
 * @throws OciError CREDENTIAL_UNAVAILABLE; never with the token
 * @see https://docs.github.com/packages/working-with-a-github-packages-registry/working-with-the-container-registry
 */
export function parseToken(token: Secret, source: string): Credential & { readonly type: "basic" } {
  const text = token.reveal();
  if (!isVisibleAscii(text)) {
    const what =
      text === "" ? "empty" : "not a token: it has spaces, line ends or other characters that no token has";
    throw new OciError("CREDENTIAL_UNAVAILABLE", `${source} is ${what}`, {
      hint: "set it to a classic personal access token or, in a workflow, to secrets.GITHUB_TOKEN",
    });
  }
  const hint = hints.find(([prefix]) => text.startsWith(prefix))?.[1] ?? classicHint;
  // GHCR looks at the token alone, but wants some user name.
  return { type: "basic", username: "x-access-token", password: token, hint };
}
