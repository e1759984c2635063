// Listens to what a worker answers, where no port of the world tells: whether it still may.

import type { Mail, MailRequest } from "../../src/runtime/mail.ts";
import type { Ports } from "../../src/runtime/ports.ts";

/** `onAnswer` hears of each answer that is no error, as it is given. */
export function overheard(ports: Ports, onAnswer: (request: MailRequest) => void): Ports {
  return {
    ...ports,
    mail: overheardMail(ports.mail, onAnswer),
    openPool: async (pool) => {
      const opened = await ports.openPool(pool);
      return { ...opened, mail: overheardMail(opened.mail, onAnswer) };
    },
  };
}

function overheardMail(mail: Mail, onAnswer: (request: MailRequest) => void): Mail {
  const serve: Mail["serve"] = (partition, epoch, onRequest, onWithdrawn) =>
    mail.serve(
      partition,
      epoch,
      (request) => {
        const { key, method, payload, meta, askId } = request;
        const reply: MailRequest["reply"] = (answer, errorCode) => {
          if (errorCode === undefined) onAnswer(request);
          request.reply(answer, errorCode);
        };
        onRequest({ key, method, payload, meta, askId, reply });
      },
      onWithdrawn,
    );
  return new Proxy(mail, {
    get: (target, name) => {
      const value: unknown = name === "serve" ? serve : Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
