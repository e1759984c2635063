// What every room may log with: pino's own shape, so that a team hands in its own logger.

import { pino } from "pino";

/** Short lower-case text plus fields. pino's Logger satisfies it. */
export interface Logger {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
  child(fields: object): Logger;
}

/** A pino logger on standard error. Level: option, then `TROUPE_LOG`, then `info`. Pretty on a terminal, else JSON. */
export function createLogger(options: { level?: string; pretty?: boolean } = {}): Logger {
  const level = options.level ?? process.env.TROUPE_LOG ?? "info";
  if (options.pretty ?? process.stderr.isTTY) {
    const transport = { target: "pino-pretty", options: { destination: 2, ignore: "pid,hostname", sync: true } };
    return pino({ name: "troupe", level, transport });
  }
  return pino({ name: "troupe", level }, pino.destination({ dest: 2, sync: false }));
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};
