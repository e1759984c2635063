// A dashboard over an app: on the port that was named, or on the first that is free; on the connection of a command, or on one
// of its own beside a worker.

import { isTroupeError, TroupeError } from "../core/errors.ts";
import type { Dashboard, DashboardOptions } from "../monitoring/dashboard/server.ts";
import { openDashboard, portDefault } from "../monitoring/dashboard/server.ts";
import { openInspector } from "../runtime/inspect.ts";
import { packageVersion } from "../runtime/package-version.ts";
import type { OpenApp } from "./open-app.ts";
import { openClient } from "./open-app.ts";
import type { Settings } from "./settings.ts";

export interface DashboardFlags extends Pick<DashboardOptions, "host" | "port" | "token" | "log"> {
  /** Address of Jaeger's page, or of another with `{trace}` where the trace id stands. */
  readonly jaeger?: string;
}

/** How many ports are tried from the default one on before any that is free will do. */
const portsTried = 10;

/** Rejects with PORT_TAKEN (when `port` is named), OPTION_INVALID, and as reading the app does. */
export async function openDashboardOver(
  { troupe, inspector }: Pick<OpenApp, "troupe" | "inspector">,
  { jaeger, port, ...flags }: DashboardFlags,
): Promise<Dashboard> {
  const options = { ...flags, ...(jaeger === undefined ? {} : { traceUrl: traceUrlOf(jaeger) }) };
  const openOn = (at: number) => openDashboard({ troupe, inspector, version: packageVersion(), ...options, port: at });
  if (port !== undefined) return openOn(port);
  for (let at = portDefault; at < portDefault + portsTried; at += 1) {
    try {
      return await openOn(at);
    } catch (thrown) {
      if (!isTroupeError(thrown) || thrown.code !== "PORT_TAKEN") throw thrown;
    }
  }
  return openOn(0);
}

/** The same with a connection of its own, which is closed with it. */
export async function openDashboardBeside(
  settings: Pick<Settings, "app" | "pools" | "nats" | "urls">,
  flags: DashboardFlags,
): Promise<Dashboard> {
  const { app, nats, urls } = settings;
  const inspector = await openInspector({ app, nats: { ...nats, servers: [...urls] } });
  try {
    const troupe = await openClient(inspector, settings, await inspector.app());
    const dashboard = await openDashboardOver({ troupe, inspector }, flags);
    const close = async () => {
      await dashboard.close();
      await troupe.close();
    };
    return { url: dashboard.url, token: dashboard.token, close, [Symbol.asyncDispose]: close };
  } catch (thrown) {
    await inspector.close();
    throw thrown;
  }
}

/** With the token behind `#`, which no browser sends to any server. */
export function linkOf({ url, token }: Pick<Dashboard, "url" | "token">): string {
  return `${url}/#token=${encodeURIComponent(token)}`;
}

/** Throws OPTION_INVALID. */
function traceUrlOf(jaeger: string): string {
  if (!/^https?:$/.test(URL.parse(jaeger)?.protocol ?? "")) {
    throw new TroupeError("OPTION_INVALID", `the address of traces is as in http://127.0.0.1:16686, got ${jaeger}`);
  }
  return jaeger.includes("{trace}") ? jaeger : `${jaeger.replace(/\/+$/, "")}/trace/{trace}`;
}
