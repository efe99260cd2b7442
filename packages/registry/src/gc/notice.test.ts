import { describe, expect, test } from "vitest";
import { hour, openTimedStorage, type TimedStorage } from "../../fixture/storage.ts";
import { readCollecting, watchCollections } from "../storage/collecting.ts";
import { giveNotice, type Notice } from "./notice.ts";

const minute = 60_000;

const give = ({ driver, clock }: TimedStorage): Promise<Notice> =>
  giveNotice(driver.documents, { now: () => clock.now });
const isActive = async ({ driver }: TimedStorage): Promise<boolean> =>
  (await readCollecting(driver.documents))?.isActive === true;

describe("a notice that garbage is collected", () => {
  test("is there until it is withdrawn, and disturbs who has watched for it all the time", async () => {
    const storage = openTimedStorage();
    const early = await watchCollections(storage.driver);
    expect(await early()).toBe(true);
    const notice = await give(storage);
    const late = await watchCollections(storage.driver);
    expect([await isActive(storage), await early(), await late()]).toEqual([true, false, false]);
    await notice.withdraw();
    expect([await isActive(storage), await early(), await late()]).toEqual([false, false, false]);
    expect(await (await watchCollections(storage.driver))()).toBe(true);
  });

  test("stays as long as any of several may need it, and longer", async () => {
    const storage = openTimedStorage();
    const [first, second] = [await give(storage), await give(storage)];
    await first.withdraw();
    expect(await isActive(storage)).toBe(true);
    storage.clock.now += 5 * minute;
    await second.renew();
    await second.withdraw();
    expect(await isActive(storage)).toBe(true);
  });

  test("that a killed collector has left is withdrawn by one who finds it after an hour", async () => {
    const storage = openTimedStorage();
    await give(storage);
    storage.clock.now += hour - 1;
    await (await give(storage)).withdraw();
    expect(await isActive(storage)).toBe(true);
    storage.clock.now += hour;
    await (await give(storage)).withdraw();
    expect(await isActive(storage)).toBe(false);
  });

  test("is renewed while the collector works, so that nobody takes it for one that was left", async () => {
    const storage = openTimedStorage();
    const working = await give(storage);
    for (let passed = 0; passed < 2 * hour; passed += 5 * minute) {
      storage.clock.now += 5 * minute;
      await working.renew();
    }
    await (await give(storage)).withdraw();
    expect(await isActive(storage)).toBe(true);
  });

  test("ends the work of a collector that has stood still for so long that it may have been taken for dead", async () => {
    const storage = openTimedStorage();
    const sleeping = await give(storage);
    storage.clock.now += 31 * minute;
    await expect(sleeping.renew()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});
