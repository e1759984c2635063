// Models are checked when they are made; the diagrams of the design document are those of the definitions.

import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler } from "../../src/actors/definition.ts";
import { agentStatus, agentStatusId } from "../../src/memory/state-agent.ts";
import { diagramOf } from "../../src/memory/state-diagram.ts";
import { defineState, legalEvents } from "../../src/memory/state-model.ts";
import { openStateStore } from "../../src/memory/state-store.ts";
import { createTestTroupe } from "../../src/runtime/test-troupe.ts";
import { workflowProgress } from "../../src/workflow/progress.ts";
import { ticket } from "../contract/state-support.ts";
import { readSource } from "../tidy/source-files.ts";

const schema = z.object({});
const Idler = defineActor("idler", { state: schema, initial: {} }, { rest: handler(() => {}) });

describe("models", () => {
  test("what makes no sense is refused when it is defined, with the part that is wrong", () => {
    const invalid = { code: "DEFINITION_INVALID" };
    const define =
      (options: object, name = "m") =>
      () =>
        defineState(name, options as { schema: typeof schema });
    expect(define({ schema }, "1st")).toThrow(expect.objectContaining({ code: "NAME_INVALID" }));
    expect(define({ schema: {} })).toThrow(expect.objectContaining(invalid));
    for (const name of [workflowProgress.name, agentStatus.name]) {
      expect(define({ schema }, name)).toThrow(/the runtime keeps its own under this name/);
    }
    expect(define({ schema, transitions: { open: {} } })).toThrow(/`initial` must be one of open, got undefined/);
    expect(define({ schema, initial: "lost", transitions: { open: {} } })).toThrow(expect.objectContaining(invalid));
    expect(define({ schema, initial: "open", transitions: { open: { close: "closed" } } })).toThrow(
      /close leads from open to closed/,
    );
    expect(define({ schema, initial: "open", transitions: { open: { "to close": "open" } } })).toThrow(
      expect.objectContaining({ code: "NAME_INVALID" }),
    );
    expect(define({ schema, version: 0 })).toThrow(/`version` must be a whole number/);
    expect(define({ schema, version: 3, upcasters: { 1: () => 1 } })).toThrow(/upcaster 2 is missing/);
    expect(define({ schema, upcasters: { 1: () => 1 } })).toThrow(/but `version` is 1/);
  });

  test("the table is the model's own: who made it cannot change it afterwards", () => {
    const transitions = { open: { close: "closed" }, closed: {} } as {
      open: { close: "closed"; reopen?: "open" };
      closed: object;
    };
    const model = defineState("m", {
      schema,
      initial: "open",
      transitions: transitions as { open: { close: "closed" }; closed: Record<never, never> },
    });
    transitions.open.reopen = "open";
    expect(legalEvents(model, "open")).toEqual(["close"]);
    expect(legalEvents(model, "toString")).toEqual([]);
  });

  test("an agent's status goes from one to the next, and anybody who is connected sees it", async () => {
    await using troupe = await createTestTroupe({ actors: [Idler] });
    const agents = (await troupe.client.states("triage.t1")).of(agentStatus);
    const id = agentStatusId({ type: "triage", id: "t1" });
    await agents.create(id, {});
    await agents.transition(id, "start", { edit: () => ({ task: "mail 17" }) });
    expect(await agents.transition(id, "resume")).toMatchObject({
      kind: "illegal",
      legal: ["finish", "wait", "fail", "stop"],
    });
    await agents.transition(id, "fail", { edit: () => ({ failure: { code: "MODEL_DOWN", message: "no answer" } }) });
    const seen = await (await troupe.worker.states()).of(agentStatus).query({ status: "failed" });
    expect(seen.states).toMatchObject([
      { id: "triage.t1", actor: "triage.t1", data: { failure: { code: "MODEL_DOWN" } } },
    ]);
    await expect(agents.patch(id, { task: 5 } as never)).rejects.toMatchObject({ code: "STATE_INVALID" });
    const kv = await troupe.client.ports.openCentral();
    expect(kv.bucket).toBe("troupe_central");
    expect(await openStateStore({ kv }).of(agentStatus).get(id)).toMatchObject({ status: "failed", number: 3 });
  });
});

test("the diagrams in the design document are those of the definitions", () => {
  const { text } = readSource("docs/state_management_design.md");
  const drawn = [...text.matchAll(/```mermaid\n([\s\S]*?)\n```/g)].map(([, diagram]) => diagram);
  expect(drawn).toEqual([diagramOf(ticket), diagramOf(agentStatus), diagramOf(workflowProgress)]);
  const odd = defineState("m", { schema, initial: "in-work", transitions: { "in-work": { end: "done" }, done: {} } });
  expect(diagramOf(odd).split("\n")).toEqual([
    "stateDiagram-v2",
    "  [*] --> in__work: create",
    '  state "in-work" as in__work',
    "  in__work --> done: end",
    "  done --> [*]",
  ]);
});
