// An HTTP server on an address of this machine.

import type { AddressInfo, Server } from "node:net";
import { TroupeError } from "../core/errors.ts";

export interface Listening {
  readonly host: string;
  /** The one that it got, when 0 was asked for. */
  readonly port: number;
}

/** Rejects with PORT_TAKEN, or OPTION_INVALID: the host is no address of this machine, the port may not be used. */
export function listen(server: Server, host: string, port: number): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(refusal(error, host, port));
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      resolve({ host, port: (server.address() as AddressInfo).port });
    });
  });
}

/** As `http://127.0.0.1:9464`. */
export function urlOf({ host, port }: Listening): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function refusal(error: NodeJS.ErrnoException, host: string, port: number): TroupeError {
  if (error.code === "EADDRINUSE") {
    return new TroupeError("PORT_TAKEN", `port ${port} of ${host} is taken`, { cause: error });
  }
  return new TroupeError("OPTION_INVALID", `cannot listen on ${host}, port ${port}: ${error.message}`, {
    cause: error,
  });
}
