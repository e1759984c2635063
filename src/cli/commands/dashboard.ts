// `troupe dashboard`: the page that shows what the agents do.

import { once } from "node:events";
import type { Command } from "commander";
import { createLogger } from "../../core/log.ts";
import type { Shell } from "../command.ts";
import { makeCommand, optionsOf, settingsOf, wholeFrom } from "../command.ts";
import { withApp } from "../open-app.ts";
import { openInBrowser } from "../open-in-browser.ts";
import type { DashboardFlags } from "../serve-dashboard.ts";
import { linkOf, openDashboardOver } from "../serve-dashboard.ts";
import { stopOnSignals } from "../stop.ts";

const head = {
  usage: "dashboard",
  summary: "Serve a page that shows what the agents do",
  description:
    "Throughput, latency and lag, the workers, the live states of all actors with their history, workflows, memory, messages; what is " +
    "unhealthy comes first. Whoever sits at this machine may read it; what acts (replay, signal, drain) needs the token that the " +
    "printed link carries. On another address than one of loopback reading needs the token too. Ctrl-C ends it; nothing " +
    "on the server is changed by looking.",
  examples: [
    ["troupe dashboard", "then open the link that it prints"],
    ["troupe dashboard --open", "opens it in the browser, which asks for the token when somebody acts"],
    ["troupe dashboard --app desk --port 8080", "another app, another port"],
    ["troupe dashboard --jaeger http://127.0.0.1:16686", "links from each revision to its trace"],
    ["TROUPE_DASHBOARD_TOKEN=… troupe dashboard --host 10.0.0.5", "for other machines too: behind TLS, please"],
    ["troupe dashboard --json | jq -r .url", "one line for a program: url and token"],
  ],
} as const;

export function dashboardCommand(shell: Shell): Command {
  return makeCommand(head)
    .option("--port <n>", "port; 0: any that is free (default: 4270, or the next that is free)", wholeFrom(0))
    .option("--host <address>", "address to listen on (default: 127.0.0.1)")
    .option(
      "--token <text>",
      "what acting needs, 16 characters or more (default: TROUPE_DASHBOARD_TOKEN, which nobody else on this machine can read, else a new one)",
    )
    .option("--jaeger <url>", "where traces are looked at, as in http://127.0.0.1:16686")
    .option("--open", "open it in the browser")
    .action(async (_flags, command: Command) => {
      const { terminal, env } = shell;
      const { open = false, ...flags } = optionsOf<DashboardFlags & { open?: boolean }>(command);
      const token = flags.token ?? env.TROUPE_DASHBOARD_TOKEN;
      const stop = stopOnSignals();
      await withApp(await settingsOf(command, shell), async (app) => {
        const log = createLogger({ level: env.TROUPE_LOG ?? "info" }); // Who has done what stands there.
        const named = token === undefined || token === "" ? {} : { token };
        await using dashboard = await openDashboardOver(app, { ...pick(flags), ...named, log });
        const link = linkOf(dashboard);
        if (terminal.isJson) terminal.print(JSON.stringify({ url: dashboard.url, token: dashboard.token }));
        else terminal.print(`dashboard of the app ${app.troupe.app}: ${terminal.paint("cyan", link)}`);
        terminal.remark(terminal.paintError("dim", "whoever has the link may act; Ctrl-C ends it"));
        // Without the token: whoever is on this machine can read the arguments of a process. The page asks for it.
        if (open) openInBrowser(dashboard.url, (reason) => terminal.complain(`no browser was opened: ${reason}`));
        if (!stop.aborted) await once(stop, "abort");
      });
    });
}

/** Those that a dashboard takes, of all that stand on the command line. */
function pick({ host, port, jaeger }: DashboardFlags): DashboardFlags {
  return {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(jaeger === undefined ? {} : { jaeger }),
  };
}
