// The doors for the `nats` CLI and other languages: plain subjects with JSON, no headers needed.
//
//   nats req troupe.call.counter.c1.add 5     asks; answers with the JSON of the answer
//   nats req troupe.tell.counter.c1.add 5     tells; answers with {"sequence":N} when the message is stored
//   nats pub troupe.tell.counter.c1.add 5     tells; nobody hears whether it was stored
//
// A header `traceparent` (W3C) makes the message part of that trace: nats req -H traceparent:00-... troupe.call...
// Errors come as {"error":{"code","message","remedy"}}, with the code in the header `Troupe-Error`.

import { decodeText, encodeText } from "../core/codec.ts";
import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import { addressOf } from "../core/ids.ts";
import { outsideSpans } from "../core/trace.ts";
import type { TroupeClient, UntypedRef } from "./client.ts";
import type { MailRequest, MailServer } from "./mail.ts";
import { EndpointCount } from "./micro.ts";
import type { Ports } from "./ports.ts";
import { encodeError } from "./wire-error.ts";

/** What came through each door. */
export interface DoorCounts {
  readonly call: EndpointCount;
  readonly tell: EndpointCount;
}

export const newDoorCounts = (): DoorCounts => ({ call: new EndpointCount(), tell: new EndpointCount() });

const nothing = new Uint8Array(0);

/** Serves both doors. `client` has the way to the actors. */
export async function openDoors(
  ports: Ports,
  client: TroupeClient,
  counts: DoorCounts,
): Promise<readonly MailServer[]> {
  return Promise.all([
    ports.mail.serveDoor("call", (request) => {
      answer(request, counts.call, async (actor, input) => {
        const value = await actor.ask(request.method, input);
        return value === undefined ? nothing : encodeText(JSON.stringify(value));
      });
    }),
    ports.mail.serveDoor("tell", (request) => {
      answer(request, counts.tell, async (actor, input) =>
        encodeText(JSON.stringify(await actor.tell(request.method, input))),
      );
    }),
  ]);

  type Act = (actor: UntypedRef, input: unknown) => Promise<Uint8Array>;

  function answer(request: MailRequest, count: EndpointCount, act: Act): void {
    void outsideSpans(() => pass(request, count, act));
  }

  async function pass(request: MailRequest, count: EndpointCount, act: Act): Promise<void> {
    const { clock } = ports;
    const startMs = clock.monotonicMs();
    try {
      const address = addressOf(request.key);
      if (address === undefined) throw new TroupeError("ID_INVALID", `${request.key} is no actor's key`);
      const actor = client.untyped(address.type, address.id, request.meta.trace);
      request.reply(await act(actor, readInput(request)));
      count.add(clock.monotonicMs() - startMs);
    } catch (thrown) {
      const error = isTroupeError(thrown) ? thrown : new TroupeError("STORE_FAILED", messageOf(thrown));
      request.reply(encodeError(error), error.code);
      count.add(clock.monotonicMs() - startMs, `${error.code}: ${error.message}`);
    }
  }
}

function readInput({ payload, key, method }: MailRequest): unknown {
  const text = decodeText(payload).trim();
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (thrown) {
    const hint = `send JSON, a text in double quotes: '"${text.slice(0, 20)}"'`;
    throw new TroupeError(
      "INPUT_INVALID",
      `the argument of ${key} ${method} is not JSON (${messageOf(thrown)}); ${hint}`,
    );
  }
}
