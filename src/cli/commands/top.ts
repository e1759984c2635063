// `troupe top`: what the agents do now, in a terminal.

import { once } from "node:events";
import type { Command } from "commander";
import { systemClock } from "../../core/clock.ts";
import type { NowView } from "../../monitoring/dashboard/api/now.ts";
import { NowReader } from "../../monitoring/now-reader.ts";
import { noActors } from "../../monitoring/now-unhealthy.ts";
import { RecentFailures } from "../../monitoring/recent-failures.ts";
import type { Shell } from "../command.ts";
import { makeCommand, optionsOf, settingsOf, wholeFrom } from "../command.ts";
import type { OpenApp } from "../open-app.ts";
import { withApp } from "../open-app.ts";
import type { TopHead } from "../print/top.ts";
import { printTop } from "../print/top.ts";
import { Screen } from "../screen.ts";
import { stopOnSignals } from "../stop.ts";
import { printJson } from "../text.ts";

interface TopFlags {
  readonly interval: number;
  readonly once?: boolean;
}

const head = {
  usage: "top",
  summary: "Watch what the agents do, in the terminal",
  description:
    "Shows each second what is unhealthy and what to do about it, what all workers did in that second, the workers, and the busiest " +
    "methods. It does not look at every actor as the dashboard does, so it knows no stopped ones. q or Ctrl-C ends it. Where the output is no terminal it prints one block after another, with --json one line each.",
  examples: [
    ["troupe top", "each second, until q"],
    ["troupe top --interval 5", "each five seconds"],
    ["troupe top --once", "once, for a look or a script"],
    ["troupe top --json | jq .second.turnsPerS", "for a program, a line each second"],
  ],
} as const;

export function topCommand(shell: Shell): Command {
  return makeCommand(head)
    .option("--interval <seconds>", "how often it is shown", wholeFrom(1), 1)
    .option("--once", "show it once and end")
    .action(async (_flags, command: Command) => {
      const flags = optionsOf<TopFlags>(command);
      const settings = await settingsOf(command, shell);
      const stop = stopOnSignals();
      await withApp(settings, (app) => watch(app, flags, shell, stop));
    });
}

async function watch({ troupe, inspector }: OpenApp, flags: TopFlags, shell: Shell, stop: AbortSignal): Promise<void> {
  const { terminal } = shell;
  const { mail } = troupe.ports;
  await using failures = new RecentFailures({ mail, clock: systemClock });
  const actors = () => ({ ...noActors, failing: failures.size, failingOne: failures.lastActor });
  await using reader = new NowReader({ troupe, inspector, clock: systemClock, actors });
  reader.onSecond(({ workers }) => failures.follow(workers.map(({ worker }) => worker)));
  const ended = Promise.withResolvers<void>();
  if (stop.aborted) return;
  void once(stop, "abort").then(() => ended.resolve());
  const isFullScreen = terminal.isWatched && flags.once !== true;
  const top: TopHead = {
    ...{ app: troupe.app, server: inspector.server.address },
    hint: isFullScreen ? "q ends" : undefined,
  };
  let last: NowView | undefined;
  const redraw = () => {
    if (screen !== undefined && last !== undefined) screen.draw(printTop(last, top, screen.room, terminal.paint));
  };
  using screen = isFullScreen ? new Screen(process, ended.resolve, redraw) : undefined;
  let seconds = 0;
  reader.onSecond((view) => {
    // What was done is known from the second reading on; a screen is not left empty until then.
    const isDue = seconds > 0 ? (seconds - 1) % flags.interval === 0 : screen !== undefined;
    const isAway = view.atMs === last?.atMs; // No second was read: it says so.
    if (!isAway) seconds += 1;
    if (!isDue && !isAway) return;
    last = view;
    if (screen !== undefined) return redraw();
    const room = { width: terminal.width, height: 0 };
    terminal.print(terminal.isJson ? printJson(view) : `${printTop(view, top, room, terminal.paint)}\n`);
    if (flags.once === true) ended.resolve();
  });
  await Promise.race([reader.start(), ended.promise]);
  await ended.promise;
}
