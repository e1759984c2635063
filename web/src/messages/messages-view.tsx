// Messages: what happens now, and what was given up on.

import "./messages.css";
import type { Page } from "../../../src/monitoring/dashboard/api/page.ts";
import { exact } from "../format/figures.ts";
import { useGet } from "../live/use-get.ts";
import { Tabs } from "../parts/tabs.tsx";
import { route } from "../router.ts";
import { DeadLetters } from "./dead-letters.tsx";
import { LiveFeed } from "./live-feed.tsx";

export function MessagesView() {
  const isDead = route.value.parts[1] === "dead";
  const all = useGet<Page<unknown>>("dead", { limit: 1 });
  const items = [
    { name: "Live feed", href: "/messages", isHere: !isDead },
    {
      name: "Dead letters",
      href: "/messages/dead",
      isHere: isDead,
      count: all.data === null ? undefined : exact(all.data.total),
    },
  ];
  return (
    <>
      <div class="view-head">
        <h1 tabIndex={-1}>Messages</h1>
      </div>
      <Tabs label="Messages" items={items} />
      {isDead ? <DeadLetters onChanged={all.reload} /> : <LiveFeed />}
    </>
  );
}
