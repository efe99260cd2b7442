import { OciError, ownValue, parseObject } from "@drayage/oci";

/** The keys and positions that lead to a value in a document. */
export type Path = readonly (string | number)[];

/** Where in its file a path is, such as `policy.yaml:3:5`; nothing if there is no file. */
export type Locate = (path: Path) => string | undefined;

/** A value of a document together with where it stands. */
export interface Place {
  readonly value: unknown;
  readonly path: Path;
  readonly locate: Locate;
}

/** The refusal of what is at `place`, which it names. */
export function refuse({ path, locate }: Place, problem: string, cause?: unknown): OciError {
  const where = [locate(path), formatPath(path)].filter((part) => part !== undefined && part !== "");
  return new OciError("OPTION_INVALID", [...where, problem].join(": "), { cause });
}

/** What `read` makes of the object at `place`; keys that are not in `known` are refused. */
export function keysOf(place: Place, known: readonly string[]): (key: string) => Place | undefined {
  const object = parseObject(place.value);
  if (object === undefined) throw refuse(place, "must be an object");
  for (const key of Object.keys(object)) {
    if (!known.includes(key)) throw refuse(placeAt(place, key), `unknown key; known are ${known.join(", ")}`);
  }
  return (key) => {
    // TypeScript writes what is absent as undefined too, YAML as null.
    const value = ownValue(object, key);
    return value === undefined ? undefined : placeAt(place, key, value);
  };
}

/** The entries of the list at `place`; a value that is no list is a list of itself. */
export function entriesOf(place: Place): readonly Place[] {
  const list: readonly unknown[] = Array.isArray(place.value) ? place.value : [place.value];
  const isList = Array.isArray(place.value);
  return list.map((value, index) => (isList ? placeAt(place, index, value) : place));
}

/** The text at `place`. */
export function textAt(place: Place): string {
  if (typeof place.value !== "string" || place.value === "") throw refuse(place, "must be text");
  return place.value;
}

/** What `read` makes of the entries of the list at `place`, of which there must be one. */
export function listAt<Entry>(place: Place, read: (entry: Place) => Entry): readonly Entry[] {
  const entries = entriesOf(place);
  if (entries.length === 0) throw refuse(place, "must not be an empty list");
  return entries.map(read);
}

/** What `read` makes of a place, if there is one. */
export function maybe<Value>(place: Place | undefined, read: (place: Place) => Value): Value | undefined {
  return place === undefined ? undefined : read(place);
}

/** The one of `choices` that is at `place`. */
export function choiceAt<Choice extends string>(place: Place, choices: readonly Choice[]): Choice {
  const choice = choices.find((one) => one === place.value);
  if (choice === undefined) throw refuse(place, `must be one of ${choices.join(", ")}`);
  return choice;
}

/** The whole number from `least` on that is at `place`. */
export function countAt(place: Place, least: number): number {
  const { value } = place;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
  throw refuse(place, `must be a whole number from ${least} on`);
}

function placeAt({ path, locate }: Place, key: string | number, value?: unknown): Place {
  return { value, path: [...path, key], locate };
}

function formatPath(path: Path): string {
  const parts = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`));
  return parts.join("").replace(/^\./, "");
}
