// In the header of every view: live or not, and how many problems there are. Leads to where they are listed.

import { connection, isStale } from "../live/live.ts";
import { now } from "../live/now-store.ts";
import { Badge } from "../parts/badge.tsx";

export function Standing() {
  if (connection.value.state === "connecting") return <Badge tone="quiet">Connecting</Badge>;
  if (isStale.value)
    return (
      <Badge tone="warning" icon="stale">
        Stale
      </Badge>
    );
  const unhealthy = now.value?.unhealthy ?? [];
  const problems = unhealthy.filter(({ level }) => level === "problem").length;
  const warnings = unhealthy.filter(({ level }) => level === "warning").length;
  return (
    <a class="standing" href="/">
      {problems > 0 ? (
        <Badge tone="problem">{problems === 1 ? "1 problem" : `${problems} problems`}</Badge>
      ) : warnings > 0 ? (
        <Badge tone="warning">{warnings === 1 ? "1 warning" : `${warnings} warnings`}</Badge>
      ) : (
        <Badge tone="good">Live</Badge>
      )}
    </a>
  );
}
