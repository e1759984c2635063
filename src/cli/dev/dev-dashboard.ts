// The dashboard of `troupe dev`: opened when the first worker serves, since the app is not there before. It is an extra: what
// goes wrong with it ends nothing.

import { messageOf } from "../../core/errors.ts";
import { createLogger } from "../../core/log.ts";
import type { Dashboard } from "../../monitoring/dashboard/server.ts";
import type { Shell } from "../command.ts";
import { linkOf, openDashboardBeside } from "../serve-dashboard.ts";
import type { SharedOptions } from "../settings.ts";
import { resolveSettings } from "../settings.ts";

export class DevDashboard implements AsyncDisposable {
  readonly #shell: Shell;
  #opening: Promise<Dashboard | undefined> | undefined;

  constructor(shell: Shell) {
    this.#shell = shell;
  }

  /** Once, however often it is called. `flags`: those of the worker. */
  start(flags: SharedOptions): void {
    this.#opening ??= this.#open(flags);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#opening)?.close();
  }

  async #open(flags: SharedOptions): Promise<Dashboard | undefined> {
    const { terminal, env } = this.#shell;
    try {
      const settings = await resolveSettings(flags, env, (line) => terminal.remark(line));
      const log = createLogger({ level: env.TROUPE_LOG ?? "info" });
      const dashboard = await openDashboardBeside(settings, { log });
      const { url, token } = dashboard;
      if (terminal.isJson) terminal.print(JSON.stringify({ event: "dashboard", url, token }));
      else terminal.print(`dashboard: ${terminal.paint("cyan", linkOf(dashboard))}`);
      return dashboard;
    } catch (thrown) {
      terminal.complain(`no dashboard: ${messageOf(thrown)}`);
      return undefined;
    }
  }
}
