import { OciError, type Digest, type DocumentStore } from "@drayage/oci";
import { contentName } from "./keys.ts";
import type { Quota } from "./rules.ts";
import { countUsage, type CountedContent, type Usage } from "./usage.ts";

/** For how long a count serves, in milliseconds: so long others may push without our knowing. */
const freshness = 30_000;

/** Who asks for room, and for what, if that is known. */
export interface WantedRoom {
  readonly repository: string;
  readonly digest: Digest | undefined;
}

/** What is about to be a repository's. */
export interface NewContent {
  readonly repository: string;
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

/**
 * Holds pushes against quotas.
 *
 * What is stored is counted, and no books are kept that a crash could leave wrong. Within one process a quota is
 * exact; several that serve one storage may together go beyond it by what they take within half a minute. Whatever
 * would be refused is counted anew before it is, so that deleting makes room at once.
 */
export class Quotas {
  readonly #documents: DocumentStore;
  readonly #now: () => number;
  readonly #ledgers = new Map<string, Ledger>();

  constructor(documents: DocumentStore, now: () => number) {
    this.#documents = documents;
    this.#now = now;
  }

  /**
   * How many bytes fit that are to become `digest`, or nobody knows yet what.
   *
   * @throws OciError DENIED if none do, or the repository is one too many
   */
  async room({ repository, digest }: WantedRoom, quota: Quota): Promise<number> {
    const ledger = this.#ledgerOf(quota);
    const isHere = (): boolean => digest !== undefined && ledger.has(contentName(digest));
    await this.#require(ledger, () => lackOf(ledger, quota, { repository, size: isHere() ? 0 : 1 }));
    return quota.bytes === undefined || isHere() ? Infinity : quota.bytes - ledger.bytes;
  }

  /** Stores content, with room taken for it. @throws OciError DENIED if there is none */
  async admit<Result>(
    { repository, digest, size }: NewContent,
    quota: Quota,
    store: () => Promise<Result>,
  ): Promise<Result> {
    const ledger = this.#ledgerOf(quota);
    const content = { repository, name: contentName(digest), size };
    await this.#require(ledger, () => {
      const added = ledger.has(content.name) ? 0 : size;
      return lackOf(ledger, quota, { repository, size: added });
    });
    return ledger.hold(content, store);
  }

  async #require(ledger: Ledger, lack: () => string | undefined): Promise<void> {
    const begun = this.#now();
    await ledger.count({ since: begun - freshness });
    if (lack() === undefined) return;
    await ledger.count({ since: begun });
    const lacking = lack();
    if (lacking !== undefined) throw new OciError("DENIED", lacking);
  }

  #ledgerOf({ namespace }: Quota): Ledger {
    const known = this.#ledgers.get(namespace);
    if (known !== undefined) return known;
    const ledger = new Ledger((latest) =>
      countUsage(this.#documents, namespace, { known: latest, countedAt: this.#now() }),
    );
    this.#ledgers.set(namespace, ledger);
    return ledger;
  }
}

/** What a quota has too little of, if anything. */
function lackOf(
  ledger: Ledger,
  { namespace, bytes = Infinity, repositories = Infinity }: Quota,
  { repository, size }: { readonly repository: string; readonly size: number },
): string | undefined {
  const where = namespace === "" ? "this registry" : namespace;
  if (size > 0 && ledger.bytes + size > bytes) return `${where} may hold ${bytes} bytes, and is full`;
  const names = ledger.repositories;
  if (names.has(repository) || names.size < repositories) return undefined;
  return `${where} may have ${repositories} repositories, and has them`;
}

/** What a namespace holds: as it was last counted, and what is being stored. */
class Ledger {
  readonly #countAnew: (latest: Usage | undefined) => Promise<Usage>;
  readonly #held = new Set<CountedContent>();
  #latest: Usage | undefined;
  #counting: Promise<void> | undefined;

  constructor(countAnew: (latest: Usage | undefined) => Promise<Usage>) {
    this.#countAnew = countAnew;
  }

  get bytes(): number {
    const missing = [...this.#held].filter(({ name }) => this.#latest?.sizes.has(name) !== true);
    const distinct = new Map(missing.map(({ name, size }) => [name, size]));
    return Array.from(distinct.values()).reduce((sum, size) => sum + size, this.#latest?.bytes ?? 0);
  }

  get repositories(): ReadonlySet<string> {
    const held = [...this.#held].map(({ repository }) => repository);
    return new Set([...(this.#latest?.repositories ?? []), ...held]);
  }

  has(name: string): boolean {
    return this.#latest?.sizes.has(name) === true || [...this.#held].some((held) => held.name === name);
  }

  /** Counts, unless that has been done since. */
  async count({ since }: { readonly since: number }): Promise<void> {
    if (this.#latest !== undefined && this.#latest.countedAt > since) return;
    this.#counting ??= this.#count();
    await this.#counting;
  }

  async hold<Result>(content: CountedContent, store: () => Promise<Result>): Promise<Result> {
    const held = { ...content };
    this.#held.add(held);
    try {
      const result = await store();
      // A count that is under way may have come too early to see it.
      await this.#counting?.catch(() => undefined);
      this.#latest?.add(held);
      return result;
    } finally {
      this.#held.delete(held);
    }
  }

  async #count(): Promise<void> {
    try {
      this.#latest = await this.#countAnew(this.#latest);
    } finally {
      this.#counting = undefined;
    }
  }
}
