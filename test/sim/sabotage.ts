// Ways to break a promise on purpose: the checkers must notice each of them, or they notice nothing.

import type { KvStore } from "../../src/kv/store.ts";
import type { Mail } from "../../src/runtime/mail.ts";
import type { Ports } from "../../src/runtime/ports.ts";

export type Sabotage = "blind-store" | "forgetful-store" | "losing-mail" | "repeating-mail" | "overtaking-mail";

/** Each with the promises of which at least one is broken by it. */
export const sabotages: Readonly<Record<Sabotage, readonly string[]>> = {
  "blind-store": ["P1"],
  "forgetful-store": ["P1", "P2", "P4", "liveness"],
  "losing-mail": ["liveness"],
  "repeating-mail": ["P2"],
  "overtaking-mail": ["P5"],
};

const every = (count: number) => {
  let calls = 0;
  return () => {
    calls += 1;
    return calls % count === 0;
  };
};

/** Plays with ports that are sabotaged. */
export function withSabotage<Result>(
  sabotage: Sabotage | undefined,
  play: (sabotaged: (ports: Ports) => Ports) => Promise<Result>,
): Promise<Result> {
  return play((ports) => sabotaged(ports, sabotage));
}

function sabotaged(ports: Ports, sabotage: Sabotage | undefined): Ports {
  switch (sabotage) {
    case undefined:
      return ports;
    case "blind-store":
      return { ...ports, state: over(ports.state, blindStore(ports.state)) };
    case "forgetful-store":
      return { ...ports, state: over(ports.state, forgetfulStore(ports.state)) };
    case "losing-mail":
      return { ...ports, mail: over(ports.mail, losingMail(ports.mail)) };
    case "repeating-mail":
      return { ...ports, mail: over(ports.mail, repeatingMail(ports.mail)) };
    case "overtaking-mail":
      return { ...ports, mail: over(ports.mail, overtakingMail(ports.mail)) };
  }
}

/** Writes whatever stands there. */
function blindStore(store: KvStore): Partial<KvStore> {
  return { update: async (key, value) => ({ kind: "written", revision: await store.put(key, value) }) };
}

/** Says of some writes that they are stored, and does not store them. */
function forgetfulStore(store: KvStore): Partial<KvStore> {
  const isForgotten = every(15);
  return {
    update: async (key, value, expected) =>
      isForgotten() ? { kind: "written", revision: expected + 1 } : store.update(key, value, expected),
  };
}

function losingMail(mail: Mail): Partial<Mail> {
  const isLost = every(20);
  return {
    append: async (to, payload, meta, timeoutMs) =>
      isLost() ? { kind: "accepted", sequence: 1, isDuplicate: false } : mail.append(to, payload, meta, timeoutMs),
  };
}

/** Stores some messages twice, so that nobody can tell that they are one. */
function repeatingMail(mail: Mail): Partial<Mail> {
  const isRepeated = every(20);
  return {
    append: async (to, payload, meta, timeoutMs) => {
      if (isRepeated()) await mail.append(to, payload, {}, timeoutMs);
      return mail.append(to, payload, meta, timeoutMs);
    },
  };
}

/** Keeps some messages back until the next one has gone. */
function overtakingMail(mail: Mail): Partial<Mail> {
  const isSlow = every(5);
  let release = () => {};
  return {
    append: async (to, payload, meta, timeoutMs) => {
      const isKept = isSlow();
      if (isKept) {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      }
      const outcome = await mail.append(to, payload, meta, timeoutMs);
      if (!isKept) release();
      return outcome;
    },
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
