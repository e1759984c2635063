// The frame: header with the ways to the views and how it stands, the banner when what is shown is old, the view itself.

import type { ComponentChildren } from "preact";
import { Component } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { problemFrom } from "../live/api-client.ts";
import { isStale } from "../live/live.ts";
import { app } from "../live/now-store.ts";
import { Icon } from "../parts/icon.tsx";
import { Empty, ProblemBox } from "../parts/states.tsx";
import { route } from "../router.ts";
import { StaleBanner } from "./stale-banner.tsx";
import { Standing } from "./standing.tsx";
import { ThemeSwitch } from "./theme-switch.tsx";
import { TokenDialog } from "./token-dialog.tsx";
import type { View } from "./views.ts";
import { views } from "./views.ts";

export function Shell() {
  const { parts } = route.value;
  const here = parts[0] ?? "now";
  const view = views.find(({ at }) => at === here);
  useArrival(parts, view);
  return (
    <>
      <a class="skip" href="#view">
        Skip to the view
      </a>
      <Header here={here} />
      <StaleBanner />
      <main id="view" class={`view ${isStale.value ? "is-stale" : ""}`} tabIndex={-1}>
        <Guard key={here}>{view === undefined ? <Lost /> : <view.Content />}</Guard>
      </main>
      <TokenDialog />
    </>
  );
}

function Header({ here }: { readonly here: string }) {
  return (
    <header class="header">
      <a class="brand" href="/">
        <img src="/favicon.svg" alt="" />
        Troupe
      </a>
      <nav class="ways" aria-label="Views">
        {views.map(({ at, name }) => (
          <a key={at} href={at === "now" ? "/" : `/${at}`} aria-current={at === here ? "page" : undefined}>
            <Icon name={at} />
            {name}
          </a>
        ))}
      </nav>
      <div class="header-end">
        <span class="brand-app" title="The app that is looked at">
          {app.value?.app ?? ""}
        </span>
        <Standing />
        <ThemeSwitch />
      </div>
    </header>
  );
}

/**
 * Says in the title where one is. When one has come from another place of the page the heading gets the focus, so that a screen
 * reader goes on there and not where the link was.
 */
function useArrival(parts: readonly string[], view: View | undefined): void {
  const place = parts.slice(0, 3).join("/");
  const before = useRef(place);
  useEffect(() => {
    document.title = [parts.slice(1, 3).join("/"), view?.name, "Troupe"].filter(Boolean).join(" · ");
    if (before.current !== place) document.querySelector<HTMLElement>("#view h1")?.focus({ preventScroll: true });
    before.current = place;
  }, [place]);
}

function Lost() {
  return (
    <>
      <h1 tabIndex={-1}>Nothing is here</h1>
      <Empty title={`There is no view at ${location.pathname}`}>
        <a href="/">How it stands now</a>
      </Empty>
    </>
  );
}

/** A fault in one view leaves the others and the header alone. */
class Guard extends Component<{ readonly children: ComponentChildren }, { readonly error: unknown }> {
  override state = { error: undefined as unknown };

  static override getDerivedStateFromError(error: unknown) {
    console.error(error);
    return { error };
  }

  override render() {
    if (this.state.error === undefined) return this.props.children;
    return <ProblemBox problem={problemFrom(this.state.error)} onRetry={() => this.setState({ error: undefined })} />;
  }
}
