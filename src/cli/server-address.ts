// A server's address as people write it: with a name and password in it, with `tls://`, or several with commas.

import { usage } from "./failure.ts";

export interface ServerAddress {
  /** Without name and password, for messages and for the client. */
  readonly urls: readonly string[];
  readonly user: string | undefined;
  readonly pass: string | undefined;
  readonly token: string | undefined;
  readonly isTls: boolean;
}

const protocols = ["nats:", "tls:"];

/** Throws a usage failure. */
export function parseServer(text: string): ServerAddress {
  const parsed = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map(parseOne);
  const [first] = parsed;
  if (first === undefined)
    throw usage("the server's address is empty", "Give one as in --server nats://127.0.0.1:4222.");
  const named = parsed.find(({ username }) => username !== "") ?? first;
  const user = decodeURIComponent(named.username);
  const pass = decodeURIComponent(named.password);
  return {
    urls: parsed.map(({ protocol, host }) => `${protocol}//${host}`),
    user: user === "" || pass === "" ? undefined : user,
    pass: pass === "" ? undefined : pass,
    // As with the `nats` command, a name without a password is a token.
    token: user !== "" && pass === "" ? user : undefined,
    isTls: parsed.some(({ protocol }) => protocol === "tls:"),
  };
}

function parseOne(text: string): URL {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `nats://${text}`);
  if (url !== null && protocols.includes(url.protocol) && url.hostname !== "") return url;
  // A password must not come out on a terminal or in a log.
  const shown = text.replace(/\/\/[^@/]*@/, "//…@");
  throw usage(`${JSON.stringify(shown)} is no server's address`, "Give one as in --server nats://127.0.0.1:4222.");
}
