// A worker's sign of life in the cluster bucket: a key that ends by itself unless it is renewed.
//
//   E2. An owner stops by its own clock when its lease was not renewed in time, before anybody else may take over: it
//       counts from the moment at which it asked for the renewal, the server from when it took it, which is later.
//
// Leases make takeover quick; they never make it safe. Safety is the revision check of each commit (P1).

import type { Clock } from "../core/clock.ts";
import { encodeText } from "../core/codec.ts";
import { invariant, isTroupeError } from "../core/errors.ts";
import type { KvStore } from "../kv/store.ts";
import type { Member } from "./membership.ts";
import { workerKey } from "./subjects.ts";

/** How long a worker counts as alive after its last sign. Unit: ms, whole seconds. */
export const leaseTtlMs = 3_000;
/** How often it gives one. Unit: ms. */
export const leaseRenewMs = 900;
/**
 * What its own clock may run slow within one lease, and what lies between looking at it and acting. Unit: ms. A clock that
 * loses more than this in 3 s (over 30,000 parts in a million) is broken.
 */
const leaseMarginMs = 100;
invariant(leaseRenewMs * 3 + leaseMarginMs < leaseTtlMs, "two renewals may fail and the third still lands in time");

export interface LeaseOptions {
  readonly cluster: KvStore;
  readonly clock: Clock;
  /** What others are told of this worker. */
  readonly about: Omit<Member, "isDraining"> & { readonly pid: number; readonly startedAt: string };
}

export class Lease {
  readonly #options: LeaseOptions;
  #renewedAtMs = Number.NEGATIVE_INFINITY;
  #isDraining = false;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** Time that is left of it by this process's own clock (E2); 0 or less when it is over. Unit: ms. */
  get leftMs(): number {
    return this.#renewedAtMs + leaseTtlMs - leaseMarginMs - this.#options.clock.monotonicMs();
  }

  /** Says with each sign of life from now on that this worker gives up what it has. */
  markDraining(): void {
    this.#isDraining = true;
  }

  /** Gives a sign of life; returns whether the server took it. */
  async renew(): Promise<boolean> {
    const { cluster, clock, about } = this.#options;
    const askedAtMs = clock.monotonicMs();
    const record = {
      ...about,
      ...(this.#isDraining ? { isDraining: true } : {}),
      renewedAt: new Date(clock.now()).toISOString(),
    };
    try {
      await cluster.put(workerKey(about.worker), encodeText(JSON.stringify(record)), { ttlMs: leaseTtlMs });
      this.#renewedAtMs = Math.max(this.#renewedAtMs, askedAtMs);
      return true;
    } catch (thrown) {
      if (!isTroupeError(thrown)) throw thrown;
      return false;
    }
  }

  /** The worker is no more. */
  async leave(): Promise<void> {
    await this.#options.cluster.delete(workerKey(this.#options.about.worker));
  }
}
