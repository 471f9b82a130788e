import type { Address } from "../system/address.ts";
import type { NameLookup } from "../system/name-lookup.ts";
import type { Time } from "../system/time.ts";
import { Client } from "../system/undici.ts";
import { connectOptions, originOf } from "./link-address.ts";
import { isFollowing, LINK_ROOT } from "./peer-answers.ts";

/** Catching up takes as long as there is to read: far longer than any other call may. */
const FOLLOW_TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 4096;

/**
 * Asks an instance to read along a partition, on a connection of its own: it would hold one of PeerLine's for long, and
 * a late answer is no sign of silence. False when it does not say that it has caught up, or `closing` is aborted.
 */
export async function askToFollow(
  address: Address,
  names: NameLookup,
  partition: number,
  time: Time,
  closing: AbortSignal,
): Promise<boolean> {
  const client = new Client(originOf(address), {
    connect: connectOptions(address, names, FOLLOW_TIMEOUT_MS),
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: ANSWER_BYTES_MAX,
  });
  const giveUp = (): void => void client.destroy();
  const timer = time.after(FOLLOW_TIMEOUT_MS, giveUp);
  closing.addEventListener("abort", giveUp);
  try {
    const path = `${LINK_ROOT}/partitions/${partition}/follow`;
    const { statusCode: status, body } = await client.request({ method: "POST", path });
    return isFollowing({ status, body: await body.text(), location: undefined, contentType: "" });
  } catch {
    return false;
  } finally {
    timer.cancel();
    closing.removeEventListener("abort", giveUp);
    await client.destroy();
  }
}
