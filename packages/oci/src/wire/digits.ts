/**
 * The number that `text` spells in decimal digits, `undefined` if it holds anything else.
 *
 * What is beyond 2^53-1 is `Infinity`, so that comparing and clamping stay right.
 */
export function parseDigits(text: string): number | undefined {
  if (text === "") return undefined;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x30 || code > 0x39) return undefined;
  }
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : Infinity;
}
