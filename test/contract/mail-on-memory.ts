// The Mail port on a world in memory, of its own for each test.

import type { RequestOutcome } from "../../src/runtime/mail.ts";
import { noMeta } from "../../src/runtime/mail.ts";
import { openMemoryMail } from "../../src/runtime/memory-mail.ts";
import type { MemoryWorldOptions } from "../../src/runtime/memory-world.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import { subjectsOf } from "../../src/runtime/subjects.ts";
import type { ClientUnderTest, MailUnderTest } from "./mail-support.ts";
import { patienceMs } from "./mail-support.ts";

export interface MemoryMailUnderTest extends MailUnderTest {
  readonly world: MemoryWorld;
}

export async function openMailOnMemory(options: MemoryWorldOptions = {}): Promise<MemoryMailUnderTest> {
  const world = new MemoryWorld(options);
  const subjects = subjectsOf("app", "main");
  const opened = new AsyncDisposableStack();
  const outside = world.connect("outside");
  let clients = 0;
  const open = async (): Promise<ClientUnderTest> => {
    clients += 1;
    const name = `under-test-${clients}`;
    const mail = opened.use(openMemoryMail({ world, subjects, name }));
    return { mail, cut: () => world.cut(name), restore: () => world.restore(name) };
  };
  const request = (subject: string, payload: Uint8Array) => ({
    ...{ subject, payload, meta: noMeta, payloadBytesMax: world.payloadBytesMax },
  });
  const ask = async (subject: string, payload: Uint8Array): Promise<RequestOutcome> => {
    const answer = await outside.call<RequestOutcome>("request", subject, patienceMs, (done) =>
      world.router.route(request(subject, payload), done),
    );
    if (answer.kind === "answer") return answer.value;
    return answer.kind === "refused" ? { kind: "lost", reason: answer.reason } : answer;
  };
  return {
    world,
    subjects,
    open,
    ask,
    publish: (subject, payload) =>
      outside.say("request", subject, () => world.router.route(request(subject, payload), undefined)),
    buried: async () => world.buried(subjects),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
