// Answers `nats micro ls|info|stats` and every other client of NATS services (ADR-32).

import type { Msg } from "@nats-io/transport-node";
import type { Clock } from "../core/clock.ts";
import { encodeText } from "../core/codec.ts";
import type { NatsLink } from "../kv/nats-link.ts";
import type { MailServer } from "./mail.ts";
import type { MicroService } from "./micro.ts";
import { answerMicro } from "./micro.ts";
import { openServing } from "./nats-serving.ts";
import { microPrefix } from "./subjects.ts";

/** Resolves when the server knows of it. Rejects with STORE_FAILED (this user may not), SERVER_UNREACHABLE, CLOSED. */
export async function serveMicro(link: NatsLink, clock: Clock, service: MicroService): Promise<MailServer> {
  const closing = Promise.withResolvers<void>();
  const onMessage = (message: Msg) => {
    const verb = message.subject.slice(microPrefix.length).split(".", 1)[0] ?? "";
    const answer = answerMicro(service, verb);
    if (answer === undefined || link.connection.isClosed()) return;
    const payload = encodeText(answer);
    // A server that carries less than what the methods take is told nothing: the protocol has no answer in parts.
    if (payload.length <= link.payloadBytesMax) message.respond(payload);
  };
  // Whoever asks for all, for those of one name, or for one: everybody who is meant answers, so there is no queue group.
  const subjects = ["*", `*.${service.name}`, `*.${service.name}.${service.id}`];
  const opening = subjects.map((subject) =>
    openServing({ link, clock, closing: closing.promise, subject: microPrefix + subject, onMessage }),
  );
  const opened = await Promise.allSettled(opening);
  const close = async () => {
    closing.resolve();
    const all = opened.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
    await Promise.all(all.map((each) => each.close({ isAbrupt: true })));
  };
  const failed = opened.find((each) => each.status === "rejected");
  if (failed === undefined) return { close, [Symbol.asyncDispose]: close };
  await close();
  throw failed.reason;
}
