// The Mail port on a real server: each client's connection goes through a proxy of its own, which breaks it.

import { callApi } from "../../src/kv/nats-api.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import { ensureLayout } from "../../src/runtime/layout.ts";
import type { RequestOutcome } from "../../src/runtime/mail.ts";
import { openNatsMail } from "../../src/runtime/nats-mail.ts";
import { subjectsOf } from "../../src/runtime/subjects.ts";
import type { TestServer } from "../support/nats-server.ts";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import type { Buried, ClientUnderTest, MailUnderTest, UnderTestOptions } from "./mail-support.ts";
import { patienceMs } from "./mail-support.ts";

export interface NatsClientUnderTest extends ClientUnderTest {
  readonly proxy: TcpProxy;
}

export interface NatsMailUnderTest extends MailUnderTest {
  open(): Promise<NatsClientUnderTest>;
}

interface StoredAnswer {
  readonly message: { readonly subject: string; readonly hdrs?: string; readonly data?: string };
}

let apps = 0;

export async function openMailOnNats(server: TestServer, options: UnderTestOptions = {}): Promise<NatsMailUnderTest> {
  apps += 1;
  const subjects = subjectsOf(`app${apps}`, "main");
  const opened = new AsyncDisposableStack();
  const outside = opened.use(await openLink({ servers: server.url }));
  await ensureLayout({ link: outside, subjects, ...options });
  const open = async (): Promise<NatsClientUnderTest> => {
    const proxy = opened.use(await startTcpProxy(server.port));
    const link = opened.use(await openLink({ servers: proxy.url, reconnectTimeWait: 20, reconnectJitter: 10 }));
    const mail = opened.use(openNatsMail({ link, subjects }));
    return { mail, proxy, cut: () => proxy.refuse(), restore: () => proxy.heal() };
  };
  const ask = async (subject: string, payload: Uint8Array): Promise<RequestOutcome> => {
    const answer = await outside.request(subject, payload, patienceMs);
    if (answer.kind !== "reply") return answer;
    const errorCode = answer.message.headers?.get("Troupe-Error");
    return { kind: "reply", payload: answer.message.data, errorCode };
  };
  const buried = async (): Promise<Buried[]> => {
    const found: Buried[] = [];
    for (let seq = 1; ; seq += 1) {
      const answer = await callApi<StoredAnswer>(outside, `STREAM.MSG.GET.${subjects.deadStream}`, { seq });
      if (answer.kind !== "ok") return found;
      const { subject, hdrs = "", data = "" } = answer.value.message;
      const lines = Buffer.from(hdrs, "base64").toString().split("\r\n").slice(1, -2);
      found.push({ subject, payload: Buffer.from(data, "base64"), lines });
    }
  };
  return {
    subjects,
    open,
    ask,
    publish: (subject, payload) => outside.connection.publish(subject, payload),
    buried,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
