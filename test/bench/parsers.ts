// Time per parser and hostile shape at 100,000 and 400,000 characters: linear reading takes four times as long.
// Run it with `node --conditions=@drayage/source test/bench/parsers.ts`; it fails if any ratio is above six (C23).
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  familiarReference,
  isOciError,
  isRepositoryName,
  mergeScopes,
  nextLink,
  parseCatalogPage,
  parseChallenges,
  parseChunkRange,
  parseContentRange,
  parseDigest,
  parseErrorBody,
  parseLink,
  parseRange,
  parseReference,
  parseRegistry,
  parseRoute,
  parseScope,
  parseScopes,
  parseTag,
  parseTagPage,
  parseToken,
  parseTokenForm,
  parseUploadRange,
  parseWarnings,
} from "@drayage/oci";
import { isLocalhost, parseRepoAndRef } from "@drayage/oci/migration";

const [short, long] = [100_000, 400_000];
const highestRatio = 6;
/** Runs per measurement; the median of five such is taken. */
const rounds = 5;
/** Shorter times than this, in milliseconds, say nothing about growth. */
const noise = 1;
/** How often a ratio that is too high is measured again, because the machine may have been busy. */
const repetitions = 5;

setFlagsFromString("--expose-gc");
const collectGarbage = parseCollector(runInNewContext("gc"));

type Parser = (text: string) => unknown;
type Shape = (length: number) => string;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const page = new URL("https://registry.example/v2/a/tags/list");
/** The limit on headers is taken away, so that what is below it is measured. */
const unlimited = { limit: Infinity };

const parsers: Readonly<Record<string, Parser>> = {
  parseChallenges: (text) => parseChallenges(text, unlimited),
  "parseChallenges, lines": (text) => parseChallenges(text.split(","), unlimited),
  "parseChallenges, limited": (text) => parseChallenges(text),
  parseLink: (text) => parseLink(text),
  nextLink: (text) => nextLink(text, page),
  parseWarnings: (text) => parseWarnings(text),
  parseRoute: (text) => parseRoute(text),
  "parseRoute, query": (text) => parseRoute(`/v2/a/blobs/uploads/x?${text}`),
  "parseRoute, name": (text) => parseRoute(`/v2/${text}/tags/list`),
  parseScope: (text) => parseScope(text),
  parseScopes: (text) => mergeScopes(parseScopes(text)),
  parseReference: (text) => familiarReference(parseReference(text)),
  "parseReference, scheme": (text) => parseReference(`https://${text}`, { allowScheme: true }),
  "parseReference, host": (text) => parseReference(`${text}.example/a`),
  "parseReference, digest": (text) => parseReference(`a@${text}`),
  parseRegistry: (text) => parseRegistry(text),
  parseRepoAndRef: (text) => parseRepoAndRef(text),
  isLocalhost: (text) => isLocalhost(text),
  isRepositoryName: (text) => isRepositoryName(text),
  parseTag: (text) => parseTag(text),
  parseDigest: (text) => parseDigest(text),
  parseRange: (text) => parseRange(`bytes=${text}`),
  parseContentRange: (text) => parseContentRange(`bytes ${text}`),
  parseChunkRange: (text) => parseChunkRange(text),
  parseUploadRange: (text) => parseUploadRange(text),
  parseToken: (text) => parseToken(bytes(`{"token":"${text}"}`)),
  "parseToken, any": (text) => parseToken(bytes(text)),
  parseTokenForm: (text) => parseTokenForm(text),
  parseErrorBody: (text) => parseErrorBody(bytes(text)),
  "parseErrorBody, many": (text) => parseErrorBody(bytes(`{"errors":[${text.replaceAll(/[^,]/g, "1")}1]}`)),
  parseTagPage: (text) =>
    parseTagPage(bytes(`{"tags":["${text.replaceAll(/[^a-z,]/g, "").replaceAll(",", '","')}"]}`)),
  parseCatalogPage: (text) =>
    parseCatalogPage(bytes(`{"repositories":["${text.replaceAll(/[^a-z/-]/g, "")}"]}`)),
};

const repeat =
  (unit: string, start = ""): Shape =>
  (length) =>
    start + unit.repeat(Math.ceil(length / unit.length));

const shapes: Readonly<Record<string, Shape>> = {
  letters: repeat("a"),
  digits: repeat("9"),
  spaces: repeat(" "),
  commas: repeat(","),
  semicolons: repeat(";"),
  equals: repeat("="),
  quotes: repeat('"'),
  "open quote": repeat("\\", 'Bearer a="'),
  "open quotes": repeat('a="', "Bearer "),
  "escaped quotes": repeat('\\"', 'Bearer a="'),
  parameters: repeat('a="b",', "Bearer "),
  schemes: repeat("a b/c{ "),
  links: repeat("<a>; rel=next, "),
  "open links": repeat("<"),
  "link parameters": repeat("; a=b", "<a>"),
  warnings: repeat('299 - "a", '),
  slashes: repeat("/"),
  components: repeat("a/"),
  "dots and dashes": repeat("a-._-"),
  dashes: repeat("-", "a"),
  underscores: repeat("_", "a"),
  colons: repeat(":"),
  zeros: repeat("0:", "["),
  ats: repeat("@"),
  labels: repeat("a-a."),
  escapes: repeat("%3A"),
  query: repeat("a=b&"),
  scopes: repeat("repository:a/b:pull,push "),
  actions: repeat("a,", "repository:a:"),
  brackets: repeat("["),
  objects: repeat('{"a":'),
  hex: repeat("f", "sha256:"),
  algorithms: repeat("a+"),
};

interface Measured {
  readonly shape: string;
  readonly before: number;
  readonly after: number;
  readonly ratio: number;
}

let failures = 0;
console.log(
  `${"parser".padEnd(26)} ${"shape".padEnd(16)} ${"100k ms".padStart(9)} ${"400k ms".padStart(9)}  ratio`,
);
for (const [name, parse] of Object.entries(parsers)) {
  const measured = Object.entries(shapes).map(([shape, make]) => measure(shape, parse, make));
  for (const { shape, before, after, ratio } of worthShowing(measured)) {
    const columns = [before.toFixed(3), after.toFixed(3)].map((text) => text.padStart(9)).join(" ");
    const verdict = ratio > highestRatio ? "  TOO HIGH" : "";
    console.log(`${name.padEnd(26)} ${shape.padEnd(16)} ${columns}  ${ratio.toFixed(1)}${verdict}`);
  }
  failures += measured.filter(({ ratio }) => ratio > highestRatio).length;
}
console.log(failures === 0 ? "every parser reads in linear time" : `${failures} grow faster than they may`);
process.exitCode = failures === 0 ? 0 : 1;

function measure(shape: string, parse: Parser, make: Shape): Measured {
  const [shortText, longText] = [make(short), make(long)];
  time(parse, longText);
  let [before, after, ratio] = compare(parse, shortText, longText);
  for (let again = 1; ratio > highestRatio && again < repetitions; again++) {
    collectGarbage();
    [before, after, ratio] = compare(parse, shortText, longText);
  }
  return { shape, before, after, ratio };
}

/** Every shape for which the parser is too slow, otherwise the one for which it grows fastest. */
function worthShowing(measured: readonly Measured[]): readonly Measured[] {
  const tooHigh = measured.filter(({ ratio }) => ratio > highestRatio);
  return tooHigh.length > 0 ? tooHigh : measured.toSorted((a, b) => b.ratio - a.ratio).slice(0, 1);
}

function compare(parse: Parser, shortText: string, longText: string): readonly [number, number, number] {
  const [before, after] = [median(parse, shortText), median(parse, longText)];
  return [before, after, after / Math.max(before, noise)];
}

function median(parse: Parser, text: string): number {
  const times = Array.from({ length: rounds }, () => time(parse, text)).toSorted((a, b) => a - b);
  return times[Math.floor(rounds / 2)] ?? 0;
}

function time(parse: Parser, text: string): number {
  const start = performance.now();
  try {
    parse(text);
  } catch (error) {
    if (!isOciError(error)) throw error;
  }
  return performance.now() - start;
}

function parseCollector(value: unknown): () => void {
  if (typeof value !== "function") throw new TypeError("this Node does not hand out its garbage collector");
  return value as () => void;
}
