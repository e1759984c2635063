// The page beside the desk: what its agents do, while one watches. An extra: what goes wrong with it ends nothing.

import { linkOf, openDashboardBeside } from "../../src/cli/serve-dashboard.ts";
import { createLogger } from "../../src/core/log.ts";
import type { Options } from "./options.ts";
import type { Stage } from "./stage.ts";
import { printable, reasonOf } from "./text.ts";

export interface DeskDashboard extends AsyncDisposable {
  /** With the token: whoever has it may act. */
  readonly link: string;
}

/** Undefined when there is none: nobody wants it, the run ends by itself, or everything is in this process's memory. */
export async function openDeskDashboard(
  { app, server }: Stage,
  options: Options,
  tell: (line: string) => void,
): Promise<DeskDashboard | undefined> {
  if (!options.dashboard || options.once || options.json || server === null) return undefined;
  try {
    const settings = { app, pools: [], nats: { name: `dashboard ${app}` }, urls: [server] };
    const jaeger = options.traces === undefined ? {} : { jaeger: options.traces.jaegerUrl };
    const dashboard = await openDashboardBeside(settings, { log: createLogger(), ...jaeger });
    return { link: linkOf(dashboard), [Symbol.asyncDispose]: () => dashboard.close() };
  } catch (thrown) {
    tell(`no dashboard: ${printable(reasonOf(thrown))}`);
    return undefined;
  }
}
