// Ways in which a worker of the run is broken on purpose: a run that does not notice them proves nothing.

import type { KvStore } from "../../src/kv/store.ts";
import type { Mail } from "../../src/runtime/mail.ts";
import type { Ports } from "../../src/runtime/ports.ts";

export const sabotages = {
  "blind-store": "writes an actor's value whatever stands there, so that a stale owner overwrites (P1)",
  "early-reply": "says that a commit stands a moment before it is written (P4)",
  "skipping-reader": "hands over all but some of the mail (P2)",
  "repeating-outbox": "stores some of what turns send twice, without an id (P3)",
} as const;

export type Sabotage = keyof typeof sabotages;

/** How much earlier than its writing a commit is said to stand. Unit: ms. */
const earlyMs = 150;

export function sabotaged(ports: Ports, sabotage: Sabotage): Ports {
  const { state, mail } = ports;
  switch (sabotage) {
    case "blind-store":
      return { ...ports, state: over(state, blindStore(state)) };
    case "early-reply":
      return { ...ports, state: over(state, earlyStore(ports)) };
    case "skipping-reader":
      return { ...ports, mail: over(mail, skippingReader(mail)) };
    case "repeating-outbox":
      return { ...ports, mail: over(mail, repeatingOutbox(mail)) };
  }
}

function blindStore(store: KvStore): Partial<KvStore> {
  return { update: async (key, value) => ({ kind: "written", revision: await store.put(key, value) }) };
}

/** In order, so that nothing but its death comes between what it says and what it does. */
function earlyStore({ state, clock }: Ports): Partial<KvStore> {
  const writing = new Map<string, Promise<unknown>>();
  return {
    update: async (key, value) => {
      const written = (writing.get(key) ?? Promise.resolve()).then(async () => {
        await new Promise<void>((resolve) => void clock.after(earlyMs, resolve));
        return state.put(key, value);
      });
      writing.set(
        key,
        written.catch(() => undefined),
      );
      return { kind: "written", revision: 1 };
    },
  };
}

function skippingReader(mail: Mail): Partial<Mail> {
  const isSkipped = every(20);
  return {
    read: (partition, from, onLetter) =>
      mail.read(partition, from, (letter) => {
        if (!isSkipped()) onLetter(letter);
      }),
  };
}

function repeatingOutbox(mail: Mail): Partial<Mail> {
  const isRepeated = every(10);
  return {
    append: async (to, payload, meta, timeoutMs) => {
      if (meta.from !== undefined && isRepeated()) await mail.append(to, payload, {}, timeoutMs);
      return mail.append(to, payload, meta, timeoutMs);
    },
  };
}

function every(count: number): () => boolean {
  let calls = 0;
  return () => {
    calls += 1;
    return calls % count === 0;
  };
}

function over<Port extends object>(port: Port, changed: Partial<Port>): Port {
  return new Proxy(port, {
    get: (target, name) => {
      const value: unknown = Reflect.get(changed, name) ?? Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
