// The options that commands share, resolved: the option, then the environment, then what runs in this folder, then the
// default.

import { readFile } from "node:fs/promises";
import { messageOf } from "../core/errors.ts";
import { checkName } from "../core/ids.ts";
import type { LinkOptions } from "../kv/nats-link.ts";
import { credentialsOf } from "../runtime/inspect.ts";
import { CommandFailure } from "./failure.ts";
import { dataDirDefault, findLocalServer } from "./local-server/start.ts";
import type { ServerAddress } from "./server-address.ts";
import { parseServer } from "./server-address.ts";

/** As the command line gives them. */
export interface SharedOptions {
  readonly json?: boolean;
  readonly server?: string;
  readonly app?: string;
  readonly pool?: string | readonly string[];
  readonly creds?: string;
  readonly otlp?: string;
}

export const appDefault = "troupe";
export const poolDefault = "main";
const urlDefault = "nats://127.0.0.1:4222";

export interface Settings {
  readonly app: string;
  /** Those that were named, for the commands that have `--pool`. */
  readonly pools: readonly string[];
  /** Where the server is. */
  readonly urls: readonly string[];
  readonly urlFrom: "--server" | "NATS_URL" | "this folder" | "default";
  /** How to log in, and the connection's name. */
  readonly nats: Omit<LinkOptions, "servers">;
  readonly otlpUrl: string | undefined;
}

/** `tell` gets a line when it has to wait. Throws NAME_INVALID, or a usage failure. */
export async function resolveSettings(
  options: SharedOptions,
  env: NodeJS.ProcessEnv,
  tell: (line: string) => void,
): Promise<Settings> {
  const app = checkName("an app", options.app ?? appDefault);
  const pools = [options.pool ?? []].flat().map((pool) => checkName("a pool", pool));
  const { from, text } = await findServer(options.server, env, tell);
  const address = parseServer(text);
  const nats = { name: `troupe cli ${app}`, ...loginOf(address), ...(await readCredentials(options.creds)) };
  return { app, pools, urls: address.urls, urlFrom: from, nats, otlpUrl: options.otlp };
}

/** The address that was given; undefined when none was. */
export function givenServer(
  option: string | undefined,
  env: NodeJS.ProcessEnv,
): { readonly from: "--server" | "NATS_URL"; readonly text: string } | undefined {
  if (option !== undefined) return { from: "--server", text: option };
  const named = nonEmpty(env.NATS_URL);
  return named === undefined ? undefined : { from: "NATS_URL", text: named };
}

async function findServer(
  option: string | undefined,
  env: NodeJS.ProcessEnv,
  tell: (line: string) => void,
): Promise<{ readonly from: Settings["urlFrom"]; readonly text: string }> {
  const given = givenServer(option, env);
  if (given !== undefined) return given;
  const local = await findLocalServer(dataDirDefault, tell);
  return local === undefined ? { from: "default", text: urlDefault } : { from: "this folder", text: local.url };
}

function loginOf({ user, pass, token, isTls }: ServerAddress): Omit<LinkOptions, "servers"> {
  return {
    ...(user === undefined || pass === undefined ? {} : { user, pass }),
    ...(token === undefined ? {} : { token }),
    ...(isTls ? { tls: {} } : {}),
  };
}

async function readCredentials(path: string | undefined): Promise<Omit<LinkOptions, "servers">> {
  if (path === undefined) return {};
  const text = await readFile(path, "utf8").catch((thrown: unknown) => {
    const remedy = "Name the file that `nsc generate creds` has written.";
    throw new CommandFailure("FILE_UNUSABLE", `cannot read the credentials: ${messageOf(thrown)}`, remedy, thrown);
  });
  return credentialsOf(text);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}
