/** How much of what is being uploaded is in memory, over all uploads of a driver. */
export class Memory {
  readonly #most: number;
  #used = 0;

  /** @param most in bytes */
  constructor(most: number) {
    this.#most = most;
  }

  get isSpent(): boolean {
    return this.#used > this.#most;
  }

  take(bytes: number): void {
    this.#used += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}
