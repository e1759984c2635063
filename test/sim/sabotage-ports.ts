// Mistakes that show at the ports: what the runtime would have done with them, or made of what they say, is done between
// it and the port.

import { decodeText, encodeText } from "../../src/core/codec.ts";
import { isTroupeError, TroupeError } from "../../src/core/errors.ts";
import { partitionOf } from "../../src/core/partition.ts";
import type { KvStore, KvWrite } from "../../src/kv/store.ts";
import type { Mail } from "../../src/runtime/mail.ts";
import type { Ports } from "../../src/runtime/ports.ts";

/** What stands in a committed value. */
interface Value {
  inbox?: { seq: number; from?: Record<string, number> };
  outbox?: readonly {
    readonly n: number;
    readonly to: string;
    readonly method: string;
    readonly input?: unknown;
    readonly errand?: string;
    readonly steps?: unknown;
  }[];
  replies?: unknown;
  steps?: unknown;
  timers?: unknown;
}

export const portMutations: Readonly<Record<string, ((ports: Ports) => Ports) | undefined>> = {
  "blind-commit": (ports) => withState(ports, { update: blindly(ports.state) }),
  "blind-record": (ports) => ({ ...ports, cluster: over(ports.cluster, { update: blindly(ports.cluster) }) }),
  "high-cursor": savingWhatIsRead,
  "forgotten-sequence": (ports) => loading(ports, (value) => ({ ...value, inbox: { ...value.inbox, seq: 0 } })),
  "forgotten-senders": (ports) =>
    loading(ports, ({ inbox, ...value }) => ({ ...value, inbox: { seq: inbox?.seq ?? 0 } })),
  "forgotten-replies": (ports) => loading(ports, ({ replies: _, ...value }) => value),
  "forgotten-steps": (ports) => loading(ports, ({ steps: _, ...value }) => value),
  "forgotten-outbox": (ports) => loading(ports, ({ outbox: _, ...value }) => value),
  "forgotten-errands": (ports) => loadingOutbox(ports, ({ errand }) => errand === undefined),
  "forgotten-errand-steps": (ports) =>
    loading(ports, ({ outbox = [], ...value }) => ({
      ...value,
      outbox: outbox.map(({ steps: _, ...entry }) => entry),
    })),
  "unshown-states": (ports) => ({
    ...ports,
    openCentral: async () => {
      const central = await ports.openCentral();
      return over(central, { update: async (_key, _value, expected) => ({ kind: "written", revision: expected + 1 }) });
    },
  }),
  "forgotten-timers": (ports) => loading(ports, ({ timers: _, ...value }) => value),
  "unset-timers": (ports) => withMail(ports, () => ({ schedule: async () => accepted })),
  "deaf-to-cancelling": (ports) =>
    withMail(ports, (mail) => ({
      read: (partition, from, onLetter) =>
        mail.read(partition, from, ({ meta: { timer: _, ...meta }, ...letter }) => onLetter({ ...letter, meta })),
    })),
  "eager-outbox": publishingFirst,
  "hasty-publisher": (ports) => withoutWaiting(ports, ({ number }) => number !== undefined),
  "lossy-teller": (ports) =>
    withoutWaiting(ports, ({ from, messageId }) => from === undefined && messageId !== undefined),
  "no-wake": (ports) =>
    withAppend(
      ports,
      (append) => async (to, payload, meta, timeoutMs) =>
        to.method === "_wake" ? accepted : append(to, payload, meta, timeoutMs),
    ),
  "new-names": (ports) =>
    withAppend(ports, (append) => (to, payload, meta, timeoutMs) => {
      const renamed = meta.from === undefined ? { ...meta, messageId: ports.clock.uniqueId() } : meta;
      return append(to, payload, renamed, timeoutMs);
    }),
  "overtaking-teller": overtaking,
  "hopeful-commit": (ports) =>
    withState(ports, { update: inDoubt(ports.state, (expected) => ({ kind: "written", revision: expected + 1 })) }),
  "hopeless-commit": (ports) =>
    withState(ports, {
      update: inDoubt(ports.state, () => {
        throw new TroupeError("STORE_FAILED", "no answer, so it is not written");
      }),
    }),
  "hasty-trim": (ports) => ({ ...ports, duplicateWindowMs: 0 }),
  "no-burial": (ports) => withMail(ports, () => ({ bury: async () => accepted })),
  "impatient-asker": (ports) =>
    withMail(ports, (mail) => ({
      request: async (to, payload, meta, timeoutMs) => {
        const outcome = await mail.request(to, payload, meta, Math.min(timeoutMs, 400));
        return outcome.kind === "lost" ? { kind: "nobody" } : outcome;
      },
    })),
};

const accepted = { kind: "accepted", sequence: 0, isDuplicate: false } as const;

function blindly(store: KvStore): KvStore["update"] {
  return async (key, value) => ({ kind: "written", revision: await store.put(key, value) });
}

function inDoubt(store: KvStore, guess: (expected: number) => KvWrite): KvStore["update"] {
  return async (key, value, expected) => {
    try {
      return await store.update(key, value, expected);
    } catch (thrown) {
      if (isTroupeError(thrown) && thrown.code === "OUTCOME_UNKNOWN") return guess(expected);
      throw thrown;
    }
  };
}

/** What stands is read, but for a part of it. */
function loading(ports: Ports, change: (value: Value) => Value): Ports {
  return withState(ports, {
    get: async (key) => {
      const entry = await ports.state.get(key);
      if (entry === undefined) return undefined;
      const value = JSON.parse(decodeText(entry.value)) as Value;
      return { ...entry, value: encodeText(JSON.stringify(change(value))) };
    },
  });
}

function loadingOutbox(ports: Ports, isKept: (entry: NonNullable<Value["outbox"]>[number]) => boolean): Ports {
  return loading(ports, ({ outbox = [], ...value }) => ({ ...value, outbox: outbox.filter(isKept) }));
}

function savingWhatIsRead(ports: Ports): Ports {
  const read = new Map<string, number>();
  const reading = (mail: Mail, pool: string): Partial<Mail> => ({
    read: (partition, from, onLetter) =>
      mail.read(partition, from, (letter) => {
        read.set(`cursor.${pool}.${partition}`, letter.sequence);
        onLetter(letter);
      }),
  });
  const update: KvStore["update"] = (key, value, expected) => {
    const record = JSON.parse(decodeText(value)) as { readonly cursor?: number };
    const cursor = Math.max(record.cursor ?? 0, read.get(key) ?? 0);
    const text = record.cursor === undefined ? value : encodeText(JSON.stringify({ ...record, cursor }));
    return ports.cluster.update(key, text, expected);
  };
  return { ...withMail(ports, reading), cluster: over(ports.cluster, { update }) };
}

function publishingFirst(ports: Ports): Ports {
  return withState(ports, {
    update: async (key, value, expected) => {
      const { outbox = [] } = JSON.parse(decodeText(value)) as Value;
      // Those to its own pool.
      for (const { n, to, method, input } of outbox.filter(({ to }) => to?.startsWith("tally."))) {
        const [type = "", id = ""] = to.split(".");
        const address = { partition: partitionOf(type, id, ports.partitionCount), key: to, method };
        const meta = { messageId: `${key}:${n}`, from: key, number: n };
        await ports.mail.append(address, encodeText(JSON.stringify(input)), meta, 5_000);
      }
      return ports.state.update(key, value, expected);
    },
  });
}

function withoutWaiting(ports: Ports, isMeant: (meta: Parameters<Mail["append"]>[2]) => boolean): Ports {
  return withAppend(ports, (append) => async (to, payload, meta, timeoutMs) => {
    const outcome = append(to, payload, meta, timeoutMs);
    return isMeant(meta) ? accepted : outcome;
  });
}

/** One in five waits until the next one has gone. */
function overtaking(ports: Ports): Ports {
  let told = 0;
  let release = () => {};
  return withAppend(ports, (append) => async (to, payload, meta, timeoutMs) => {
    if (meta.from !== undefined || meta.messageId === undefined) return append(to, payload, meta, timeoutMs);
    told += 1;
    const isKept = told % 5 === 0;
    if (isKept) {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    }
    const outcome = await append(to, payload, meta, timeoutMs);
    if (!isKept) release();
    return outcome;
  });
}

function withAppend(ports: Ports, make: (append: Mail["append"]) => Mail["append"]): Ports {
  return withMail(ports, (mail) => ({ append: make((...call) => mail.append(...call)) }));
}

/** The mail of every pool. */
function withMail(ports: Ports, change: (mail: Mail, pool: string) => Partial<Mail>): Ports {
  return {
    ...ports,
    mail: over(ports.mail, change(ports.mail, ports.pool)),
    openPool: async (name) => {
      const opened = await ports.openPool(name);
      return { ...opened, mail: over(opened.mail, change(opened.mail, opened.pool)) };
    },
  };
}

function withState(ports: Ports, changed: Partial<KvStore>): Ports {
  return { ...ports, state: over(ports.state, changed) };
}

function over<Port extends object>(port: Port, changed: Partial<Port>): Port {
  return new Proxy(port, {
    get: (target, name) => {
      const value: unknown = Reflect.get(changed, name) ?? Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
