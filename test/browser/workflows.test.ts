// The view Workflows against the truth: what the runs themselves say.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { triage } from "../../examples/incident-triage/triage.ts";
import { describeInBrowser, sharedBrowser } from "./ground/chromium.ts";
import type { Ground } from "./ground/ground.ts";
import { openGround } from "./ground/ground.ts";
import { expectGoodLooks } from "./ground/looks.ts";
import { hostile, startWaitingRun } from "./ground/scene.ts";

const harmful = hostile.slice(0, 60);

describeInBrowser("the view Workflows", () => {
  const browser = sharedBrowser();
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround({ workers: 1 });
    const { troupe } = ground;
    const ids = ["w-1", "w-2", "w-3", "w-keys"];
    await Promise.all([
      ...ids.map((id) => startWaitingRun(troupe, id)),
      startWaitingRun(troupe, harmful, `${hostile} is down`),
      troupe.actor(triage.run, "low-1").ask.start({ service: "s", customer: "c", report: "a typo" }),
    ]);
  });
  afterAll(async () => {
    await ground?.[Symbol.asyncDispose]();
  });

  const open = async (path: string, withToken = true) =>
    (await browser()).open(`${ground.url}${path}${withToken ? `#token=${ground.token}` : ""}`);
  const phaseOf = async (id: string) => (await ground.troupe.actor(triage.run, id).ask.status()).phase;
  const nodeLine = (page: Page, name: RegExp) => page.getByRole("button", { name });
  const decision = { service: "s", customer: "c", settleMs: 1 };

  test("counts the runs by phase as they are, lists them, and finds them by phase and name", async () => {
    const { page, faults } = await open("/workflows");
    await page.getByRole("row", { name: /triage.*running 5.*completed 1.*5 wait for a signal/ }).waitFor();
    // Who has just come sees first that somebody has to decide, and is led to where.
    await page.getByRole("link", { name: "Now" }).click();
    const note = page.locator(".troubles li", { hasText: /5 runs of workflows wait for a signal, as triage/ });
    await note.getByRole("link").click();
    await page.getByRole("heading", { name: "5 runs" }).waitFor();
    await page.getByRole("row", { name: /w-1.*waits for a signal at .*decision/ }).waitFor();
    await page.getByRole("link", { name: "Workflows", exact: true }).first().click();
    await page.getByRole("link", { name: "triage" }).click();
    await page.getByRole("heading", { name: "6 runs" }).waitFor();
    await page.getByLabel("Phase").selectOption("completed");
    await page.getByRole("heading", { name: "1 run", exact: true }).waitFor();
    expect(await page.locator(".run-name").allTextContents()).toEqual(["low-1"]);
    await page.getByLabel("Phase").selectOption("");
    // One run is what the other filter has found as well.
    await page.getByRole("heading", { name: "6 runs" }).waitFor();
    await page.getByRole("searchbox").fill("W-K");
    await page.getByRole("heading", { name: "1 run", exact: true }).waitFor();
    expect(await page.locator(".run-name").allTextContents()).toEqual(["w-keys"]);
    expect(new URL(page.url()).search).toBe("?search=W-K");
    expect(faults).toEqual([]);
  });

  test("a run that begins while one looks is announced, and what changes in the list is shown at once", async () => {
    const { page, faults } = await open("/workflows/triage");
    await page.getByRole("heading", { name: /^\d+ runs/ }).waitFor();
    const linkTo = (name: string) => page.getByRole("link", { name, exact: true });
    await page.evaluate(noteWhatIsPressed);
    const shown = page.getByRole("button", { name: "Show 1 new" }).click();
    // What begins before the live stream stands comes with the list, which is read again then, be it announced or not; the next one is
    // in no list that is on its way, and is announced until somebody presses the button.
    for (const name of ["low-2", "low-3", "low-4"]) {
      await ground.troupe.actor(triage.run, name).ask.start({ ...decision, report: "another typo" });
      await linkTo(name).waitFor();
      if ((await page.evaluate("window.pressed")) === "Show 1 new") break;
    }
    await shown;
    await ground.troupe.actor(triage.run, "w-3").ask.pause();
    await page.getByRole("row", { name: /w-3.*paused/ }).waitFor();
    expect(faults).toEqual([]);
  });
  const noteWhatIsPressed = `document.addEventListener("click", ({ target }) => {
    window.pressed = target.closest("button")?.textContent;
  }, { capture: true })`;

  test("the graph and the list of nodes say what the run says: done, waiting, undone, failed, and the way taken", async () => {
    const { page, faults } = await open("/workflows/triage/w-1");
    const { nodes } = await ground.troupe.actor(triage.run, "w-1").ask.status();
    await page.getByRole("heading", { name: "Nodes" }).waitFor();
    const shapes = page.locator("svg.graph .graph-node");
    expect(await shapes.count()).toBe(21);
    const words = {
      done: "is-done",
      waiting: "is-waiting",
      compensated: "is-compensated",
      failed: "is-failed",
      open: "is-open",
    };
    for (const [path, mark] of Object.entries(nodes)) {
      const shape = page.locator("svg.graph .graph-node", {
        has: page.locator("title", { hasText: new RegExp(`^${path}:`) }),
      });
      expect(await shape.getAttribute("class"), path).toContain(words[mark.is as keyof typeof words]);
    }
    expect(await page.locator("svg.graph .graph-node.is-absent").count()).toBe(21 - Object.keys(nodes).length);
    await nodeLine(page, /^severity branch/).click();
    await page.getByText("took otherwise").waitFor();
    expect(new URL(page.url()).searchParams.get("node")).toBe("severity");
    expect(faults).toEqual([]);
  });

  test("a signal is sent by a form made from its schema: what is missing is said before, and what it then decided is shown", async () => {
    const { page, faults } = await open("/workflows/triage/w-1");
    const form = page.getByRole("form", { name: "Signal decision" });
    await form.getByRole("button", { name: "Send decision" }).click();
    await form.getByText("This is needed.").waitFor();
    expect(await phaseOf("w-1")).toBe("running");
    await form.getByLabel("by").fill("ada");
    await form.getByLabel("remedy").selectOption("rollback");
    await form.getByRole("button", { name: "Send decision" }).click();
    await page.locator(".view-head .badge", { hasText: "completed" }).waitFor();
    const { state, phase } = await ground.troupe.actor(triage.run, "w-1").ask.status();
    expect([phase, state.decidedBy, state.outcome]).toEqual(["completed", "ada", "mended by a person"]);
    await form.waitFor({ state: "detached" });
    await nodeLine(page, /decided branch/).click();
    const decided = page.getByRole("region", { name: "state that decided for mend" });
    await decided.waitFor();
    // As the signal has left it, before the way that it led to has changed anything.
    expect(await decided.textContent()).toContain('decidedBy: "ada"');
    expect(await decided.textContent()).toContain('remedy: "rollback"');
    expect(await decided.textContent()).not.toContain("outcome");
    expect(faults).toEqual([]);
  });

  test("an action asks first, asks for the token when there is none, and says what the server has against a wrong one", async () => {
    const { page } = await open("/workflows/triage/w-2", false);
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await page.getByRole("button", { name: "Not now" }).click();
    expect((await ground.troupe.actor(triage.run, "w-2").ask.status()).isPaused).toBe(false);
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await page.getByRole("button", { name: "Pause this run" }).click();
    const tokenDialog = page.getByRole("dialog", { name: "The token of this dashboard" });
    await tokenDialog.getByLabel("Token").fill("a-token-that-is-not-the-one");
    await tokenDialog.getByRole("button", { name: "Go on" }).click();
    await tokenDialog.getByText("The token that was given is not the one.").waitFor();
    await tokenDialog.getByRole("button", { name: "Not now" }).click();
    await page.getByRole("alert").getByText("UNAUTHORIZED").waitFor();
    await page.getByRole("button", { name: "Pause this run" }).click();
    await tokenDialog.getByLabel("Token").fill(ground.token);
    await tokenDialog.getByRole("button", { name: "Go on" }).click();
    await page.locator(".view-head .badge", { hasText: "paused" }).waitFor();
    expect((await ground.troupe.actor(triage.run, "w-2").ask.status()).isPaused).toBe(true);
  });

  test("a run is cancelled and resumed by keyboard alone, and Escape does nothing to it", async () => {
    const { page, faults } = await open("/workflows/triage/w-keys");
    const cancel = page.getByRole("button", { name: "Cancel", exact: true });
    await cancel.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await phaseOf("w-keys")).toBe("running");
    await cancel.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Cancel this run" }).focus();
    await page.keyboard.press("Enter");
    await page.locator(".view-head .badge", { hasText: "cancelled" }).waitFor();
    expect(await phaseOf("w-keys")).toBe("cancelled");
    expect(faults).toEqual([]);
  });

  test("what is hostile in an id and a state is text and nothing else, and everybody can use what shows it", async () => {
    const address = `${ground.url}/workflows/triage/${encodeURIComponent(harmful)}?node=severity`;
    await expectGoodLooks(await browser(), address, async (page) => {
      await page.getByText("took otherwise").waitFor();
      expect(await page.locator("h1").textContent()).toBe(harmful);
      expect(await page.evaluate("window.harmed")).toBeUndefined();
      expect(await page.locator("main img, main script").count()).toBe(0);
    });
    await expectGoodLooks(await browser(), `${ground.url}/workflows/triage`, (page) => {
      return page.getByRole("heading", { name: /\d runs/ }).waitFor();
    });
    await expectGoodLooks(await browser(), `${ground.url}/workflows`, (page) =>
      page.getByRole("link", { name: "triage" }).waitFor(),
    );
  });
});
