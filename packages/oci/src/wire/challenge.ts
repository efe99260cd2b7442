import { OciError } from "../errors.ts";
import { formatQuoted, HeaderScanner, isQuotable, isToken, isTokenCharacter } from "./scan.ts";

/** One way to authenticate that a server offers in `WWW-Authenticate`. */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** By name in lower case. */
  readonly params: ReadonlyMap<string, string>;
  /** What some schemes send instead of parameters. */
  readonly token68?: string | undefined;
}

/** How a header broke the grammar of RFC 9110 §11.6.1 and was read nevertheless. */
export type ChallengeWarning =
  | "missing-comma"
  | "semicolon-separator"
  | "unquoted-value"
  | "missing-value"
  | "missing-scheme"
  | "unterminated-quoted-string"
  | "duplicate-parameter"
  | "invalid-character";

/** What a `WWW-Authenticate` header holds. */
export interface Challenges {
  readonly challenges: readonly Challenge[];
  readonly warnings: readonly ChallengeWarning[];
}

/** A challenge to be met with a token from `realm`. */
export interface BearerChallenge {
  readonly scheme: "bearer";
  /** Never empty; whether it may be trusted is not decided here. */
  readonly realm: string;
  readonly service?: string | undefined;
  readonly scope?: string | undefined;
  /** `invalid_token` or `insufficient_scope` of RFC 6750 §3.1. */
  readonly error?: string | undefined;
}

/** A challenge to be met with a user name and password. */
export interface BasicChallenge {
  readonly scheme: "basic";
  readonly realm?: string | undefined;
}

// Registries send up to 9,000 characters; response headers as a whole are limited to 64 KiB.
const defaultLimit = 16 * 1024;

/**
 * All challenges of a `WWW-Authenticate` header, given as one value or several lines.
 *
 * A challenge that names a parameter twice is left out, because two readers could take different ones.
 *
 * @param options.limit the longest header that is read, in characters over all lines; 16 Ki
 * @throws OciError LIMIT_EXCEEDED
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
 * @example parseChallenges('Bearer realm="https://auth.example/token",service="registry"').challenges[0]?.scheme // "bearer"
 */
export function parseChallenges(
  header: string | readonly string[] | undefined,
  options: { readonly limit?: number | undefined } = {},
): Challenges {
  const lines = typeof header === "string" ? [header] : (header ?? []);
  const length = lines.reduce((sum, line) => sum + line.length, 0);
  if (length > (options.limit ?? defaultLimit))
    throw new OciError("LIMIT_EXCEEDED", `a WWW-Authenticate header of ${length} characters`);

  const reader = new ChallengeReader();
  for (const line of lines) reader.readLine(line);
  return reader.result();
}

/** A challenge while it is read. */
interface Draft {
  readonly scheme: string;
  readonly params: Map<string, string>;
  token68?: string;
  duplicate: boolean;
}

class ChallengeReader {
  readonly #drafts: Draft[] = [];
  readonly #warnings = new Set<ChallengeWarning>();
  #current: Draft | undefined;
  /** What was read last, if no comma came since. */
  #previous: "scheme" | "parameter" | undefined;

  readLine(line: string): void {
    const scanner = new HeaderScanner(line);
    this.#current = undefined;
    this.#previous = undefined;
    for (this.#skipSeparators(scanner); !scanner.done; this.#skipSeparators(scanner))
      this.#readElement(scanner);
  }

  result(): Challenges {
    const unambiguous = this.#drafts.filter((draft) => !draft.duplicate);
    const challenges = unambiguous.map(({ scheme, params, token68 }) => ({ scheme, params, token68 }));
    return { challenges, warnings: [...this.#warnings] };
  }

  #skipSeparators(scanner: HeaderScanner): void {
    const separators = scanner.takeWhile((character) => " \t,;".includes(character));
    if (separators.includes(";")) this.#warnings.add("semicolon-separator");
    if (separators.includes(";") || separators.includes(",")) this.#previous = undefined;
  }

  /** A scheme, the token68 after one, or a parameter: which of them shows only behind the word. */
  #readElement(scanner: HeaderScanner): void {
    if (this.#previous === "parameter") this.#warnings.add("missing-comma");
    const word = scanner.takeWhile((character) => isTokenCharacter(character) || character === "/");
    const spaced = scanner.skipSpace();
    const equals = scanner.takeWhile((character) => character === "=");
    scanner.skipSpace();

    const followsScheme = this.#previous === "scheme" && word !== "";
    const endsElement = scanner.done || ",;".includes(scanner.peek());
    if (followsScheme && endsElement && !(spaced && equals !== "")) this.#setToken68(word + equals);
    else if (!isToken(word) || equals.length > 1) this.#skipInvalid(scanner);
    else if (equals === "") this.#startChallenge(word, scanner, { endsWord: spaced || endsElement });
    else this.#readParameter(word.toLowerCase(), scanner);
  }

  #startChallenge(word: string, scanner: HeaderScanner, { endsWord }: { readonly endsWord: boolean }): void {
    if (!endsWord) return this.#skipInvalid(scanner);
    this.#current = { scheme: word.toLowerCase(), params: new Map(), duplicate: false };
    this.#drafts.push(this.#current);
    this.#previous = "scheme";
  }

  #setToken68(text: string): void {
    if (this.#current !== undefined) this.#current.token68 = text;
    this.#previous = "parameter";
  }

  #readParameter(name: string, scanner: HeaderScanner): void {
    const value = this.#readValue(scanner);
    this.#previous = "parameter";
    if (value === undefined) return;
    if (this.#current === undefined) {
      this.#warnings.add("missing-scheme");
    } else if (this.#current.params.has(name)) {
      this.#warnings.add("duplicate-parameter");
      this.#current.duplicate = true;
    } else {
      this.#current.params.set(name, value);
    }
  }

  #readValue(scanner: HeaderScanner): string | undefined {
    if (scanner.peek() === '"') {
      const quoted = scanner.takeQuoted();
      if (quoted === undefined) this.#warnings.add("unterminated-quoted-string");
      return quoted;
    }
    const value = scanner.takeUntil(" \t,;");
    if (value === "") this.#warnings.add("missing-value");
    else if (!isToken(value)) this.#warnings.add("unquoted-value");
    return value === "" ? undefined : value;
  }

  #skipInvalid(scanner: HeaderScanner): void {
    this.#warnings.add("invalid-character");
    scanner.skipElement(",;");
    this.#previous = undefined;
  }
}

/**
 * The challenge to answer: the first Bearer with a realm, else the first Basic, in whatever order they were sent.
 *
 * @example selectChallenge(parseChallenges(header).challenges)?.realm
 */
export function selectChallenge(
  challenges: readonly Challenge[],
): BearerChallenge | BasicChallenge | undefined {
  for (const { scheme, params } of challenges) {
    const realm = params.get("realm") ?? "";
    if (scheme !== "bearer" || realm === "") continue;
    return {
      scheme,
      realm,
      service: params.get("service"),
      scope: params.get("scope"),
      error: params.get("error"),
    };
  }
  const basic = challenges.find(({ scheme }) => scheme === "basic");
  return basic && { scheme: "basic", realm: basic.params.get("realm") };
}

/**
 * A challenge as one line of `WWW-Authenticate`, all values quoted, as every known client expects.
 *
 * @throws OciError OPTION_INVALID if a header cannot carry it.
 * @example formatChallenge({ scheme: "basic", params: new Map([["realm", "drayage"]]) }) // 'Basic realm="drayage"'
 */
export function formatChallenge({ scheme, params, token68 }: Challenge): string {
  // Some clients compare the scheme with "Bearer", although case does not matter.
  const name = scheme.slice(0, 1).toUpperCase() + scheme.slice(1);
  if (!isToken(name)) throw invalid(scheme);
  if (token68 !== undefined) return `${name} ${parseToken68(token68)}`;

  const pairs = Array.from(params, ([key, value]) => {
    if (!isToken(key) || !isQuotable(value)) throw invalid(scheme);
    return `${key}=${formatQuoted(value)}`;
  });
  return pairs.length === 0 ? name : `${name} ${pairs.join(",")}`;
}

function parseToken68(text: string): string {
  if (/^[A-Za-z0-9._~+/-]+=*$/.test(text)) return text;
  throw invalid("token68");
}

function invalid(what: string): OciError {
  return new OciError("OPTION_INVALID", `a challenge that no header can carry: ${what.slice(0, 100)}`);
}
