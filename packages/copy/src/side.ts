import { atSide, type Side } from "@drayage/oci";

/** What `call` resolves to; its errors say at which side of the copy they happened. */
export async function onSide<Result>(side: Side, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw atSide(error, side);
  }
}
