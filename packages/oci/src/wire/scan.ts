/** A cursor over one header value; it only moves forwards, so that reading takes linear time. */
export class HeaderScanner {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get done(): boolean {
    return this.#position >= this.#text.length;
  }

  /** The next character, or "" at the end. */
  peek(): string {
    return this.#text.charAt(this.#position);
  }

  /** Whether `character` was next; if so it is passed. */
  accept(character: string): boolean {
    if (this.peek() !== character) return false;
    this.#position++;
    return true;
  }

  /** The longest run of characters that `accepts` holds for. */
  takeWhile(accepts: (character: string) => boolean): string {
    const start = this.#position;
    while (!this.done && accepts(this.peek())) this.#position++;
    return this.#text.slice(start, this.#position);
  }

  /** Everything up to the first of `stops`, which is left. */
  takeUntil(stops: string): string {
    return this.takeWhile((character) => !stops.includes(character));
  }

  skipSpace(): boolean {
    return this.takeWhile(isSpace) !== "";
  }

  /**
   * The content of the quoted string that starts here, its quoted pairs resolved;
   * `undefined` if it never ends, and then the rest of the text is passed.
   *
   * @see https://www.rfc-editor.org/rfc/rfc9110#section-5.6.4
   */
  takeQuoted(): string | undefined {
    const parts: string[] = [];
    this.accept('"');
    while (!this.done) {
      parts.push(this.takeUntil('"\\'));
      if (this.accept('"')) return parts.join("");
      this.accept("\\");
      parts.push(this.peek());
      this.#position++;
    }
    return undefined;
  }

  /** Passes everything up to the next of `stops` that is not inside a quoted string. */
  skipElement(stops: string): void {
    while (!this.done && !stops.includes(this.peek())) {
      if (this.peek() === '"') this.takeQuoted();
      else this.takeUntil(`"${stops}`);
    }
  }
}

/** `text` as a quoted string; the caller has checked it with {@link isQuotable}. */
export function formatQuoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** Whether a quoted string can hold `text`: no controls but the tab, nothing beyond Latin-1. */
export function isQuotable(text: string): boolean {
  return everyCode(text, (code) => code === 0x09 || (code >= 0x20 && code !== 0x7f && code <= 0xff));
}

/** Whether `text` is a token of RFC 9110 §5.6.2. */
export function isToken(text: string): boolean {
  return text !== "" && everyCode(text, (code) => isTokenCharacter(String.fromCharCode(code)));
}

/** Whether a token of RFC 9110 §5.6.2 may contain `character`. */
export function isTokenCharacter(character: string): boolean {
  return isAlphanumeric(character.charCodeAt(0)) || "!#$%&'*+-.^_`|~".includes(character);
}

/** Whether `text` consists of printable ASCII without spaces: what is safe in any header or URL query. */
export function isVisibleAscii(text: string): boolean {
  return text !== "" && everyCode(text, (code) => code > 0x20 && code < 0x7f);
}

function isSpace(character: string): boolean {
  return character === " " || character === "\t";
}

function isAlphanumeric(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

function everyCode(text: string, accepts: (code: number) => boolean): boolean {
  for (let index = 0; index < text.length; index++) {
    if (!accepts(text.charCodeAt(index))) return false;
  }
  return true;
}
