/** Where `wanted` is, or would be, in a list that is in order. */
export function placeOf<Item>(
  items: readonly Item[],
  wanted: string,
  textOf: (item: Item) => string,
): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && textOf(item) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
