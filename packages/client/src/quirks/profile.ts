import { standardQuirks, type OciErrorCode, type Quirks } from "@drayage/oci";

/** What one registry does that others do not, and where that is known from. */
export interface Profile {
  /** Patterns of host names: a label, or `*` for any one label; none for registries that people run themselves. */
  readonly hosts: readonly string[];
  readonly quirks: Quirks;
  /** The deviations from {@link standardQuirks}, each with its source. */
  readonly facts: readonly Fact[];
  readonly hints?: Hints | undefined;
}

/** What to do about errors of a registry, by their codes; each with a page of its vendor that says so. */
export type Hints = Readonly<Partial<Record<OciErrorCode, string>>>;

/** Something that registries differ in. */
export type Quirk = Exclude<keyof Quirks, "name">;

export interface Fact {
  readonly quirk: Quirk;
  /** A page that says so. */
  readonly source: Source;
  /** Which versions or settings it is true of, if not all. */
  readonly note?: string | undefined;
}

export type Source = `https://${string}`;

/** A deviation cannot be written down without the source of it, nor a source without a deviation. */
export interface ProfileRecord<Deviating extends Quirk> {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly quirks: Pick<Quirks, Deviating>;
  readonly sources: Readonly<Record<NoInfer<Deviating>, Source>>;
  readonly notes?: Readonly<Partial<Record<NoInfer<Deviating>, string>>> | undefined;
  readonly hints?: Hints | undefined;
}

export function profile<Deviating extends Quirk>(record: ProfileRecord<Deviating>): Profile {
  const { name, hosts, quirks, sources, notes, hints } = record;
  const facts = keysOf(sources).map((quirk) => ({ quirk, source: sources[quirk], note: notes?.[quirk] }));
  return { hosts, quirks: { ...standardQuirks, ...quirks, name }, facts, hints };
}

function keysOf<Key extends string>(record: Readonly<Record<Key, unknown>>): readonly Key[] {
  const keys: Key[] = [];
  for (const key in record) keys.push(key);
  return keys;
}
