// Sends a signal that a run waits for: a form made from its schema, or JSON. One in which somebody has begun to write stays when
// another was quicker, and says so: what they wrote, and what the run has against it, can still be read.

import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import type { Problem } from "../../../src/monitoring/dashboard/api/page.ts";
import type { RunView, WaitingSignal } from "../../../src/monitoring/dashboard/api/workflows.ts";
import { ago, exactTime } from "../format/times.ts";
import { apiPath, post, problemFrom } from "../live/api-client.ts";
import { secondNow } from "../page-clock.ts";
import { Panel } from "../parts/panel.tsx";
import { ProblemBox } from "../parts/states.tsx";
import type { Field, SignalForm as Form } from "./signal-fields.ts";
import { formOf, readForm } from "./signal-fields.ts";

export interface SignalFormsProps {
  readonly view: Pick<RunView, "workflow" | "run" | "signals">;
  readonly onSent: (text: string) => void;
}

const keyOf = ({ path, signal }: WaitingSignal): string => `${path} ${signal}`;

export function SignalForms({ view: { workflow, run, signals }, onSent }: SignalFormsProps) {
  const [begun, setBegun] = useState<ReadonlyMap<string, WaitingSignal>>(new Map());
  const waiting = new Map(signals.map((signal) => [keyOf(signal), signal]));
  // Sorted: one that is moved loses the focus.
  const shown = [...new Map([...begun, ...waiting])].toSorted(([one], [other]) => (one < other ? -1 : 1));
  if (shown.length === 0) return null;
  return (
    <Panel title={waiting.size > 0 ? "Waits for somebody" : "Waited for somebody"} class="waits">
      <div class="panel-body signals">
        {shown.map(([key, signal]) => (
          <SignalForm
            key={key}
            workflow={workflow}
            run={run}
            waiting={signal}
            isOver={!waiting.has(key)}
            onBegin={() => setBegun((before) => new Map(before).set(key, signal))}
            onEnd={() => setBegun((before) => new Map([...before].filter(([other]) => other !== key)))}
            onSent={onSent}
          />
        ))}
      </div>
    </Panel>
  );
}

interface SignalFormProps {
  readonly workflow: string;
  readonly run: string;
  readonly waiting: WaitingSignal;
  /** The run waits for it no longer. */
  readonly isOver: boolean;
  readonly onBegin: () => void;
  readonly onEnd: () => void;
  readonly onSent: (text: string) => void;
}

const noFaults: ReadonlyMap<string, string> = new Map();

function SignalForm({ workflow, run, waiting, isOver, onBegin, onEnd, onSent }: SignalFormProps) {
  const form = formOf(waiting.schema);
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({});
  const [faults, setFaults] = useState(noFaults);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isUnderWay, setUnderWay] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setProblem(null);
    const written = readForm(form, texts);
    setFaults(written.kind === "faults" ? written.faults : noFaults);
    if (written.kind === "faults") return;
    onBegin();
    setUnderWay(true);
    const { value } = written;
    // Sent twice, or too late, it does not answer the next question of that name.
    const body = { signal: waiting.signal, at: waiting.path, ...(value === undefined ? {} : { value }) };
    try {
      const { text } = await post(`${apiPath("workflows", workflow, "runs", run)}/signal`, body);
      setTexts({});
      onEnd();
      onSent(text);
    } catch (error) {
      setProblem(problemFrom(error));
    }
    setUnderWay(false);
  };
  const write = (name: string, text: string) => {
    onBegin();
    setTexts((before) => ({ ...before, [name]: text }));
  };
  const isTooLate = isOver && !isUnderWay;
  return (
    <form class="signal-form" aria-label={`Signal ${waiting.signal}`} onSubmit={submit} noValidate>
      <p>
        <b>{waiting.signal}</b> <span class="quiet">for {waiting.path}</span>
        <Until untilMs={waiting.untilMs} />
      </p>
      <Fields form={form} texts={texts} faults={faults} write={write} />
      {problem !== null && <ProblemBox problem={problem} />}
      {isTooLate && <p role="status">The run no longer waits for this: another was quicker, or its time is over.</p>}
      <div class="form-ends">
        {isTooLate && (
          <button type="button" onClick={onEnd}>
            Close
          </button>
        )}
        <button type="submit" class="primary" disabled={isUnderWay || isOver}>
          Send {waiting.signal}
        </button>
      </div>
    </form>
  );
}

function Until({ untilMs }: { readonly untilMs: number | null }) {
  if (untilMs === null) return <span class="quiet"> · waits as long as it takes</span>;
  return <span title={exactTime(untilMs)}> · too late {ago(untilMs, secondNow.value)}</span>;
}

interface FieldsProps {
  readonly form: Form;
  readonly texts: Readonly<Record<string, string>>;
  readonly faults: ReadonlyMap<string, string>;
  readonly write: (name: string, text: string) => void;
}

function Fields({ form, texts, faults, write }: FieldsProps) {
  if (form.kind === "nothing") return <p class="quiet">Nothing comes with this signal.</p>;
  if (form.kind === "json") {
    const field = { ...jsonField, help: form.help };
    return <FieldRow field={field} label="Value as JSON" text={texts[""] ?? ""} fault={faults.get("")} write={write} />;
  }
  return (
    <>
      {form.fields.map((field) => (
        <FieldRow
          key={field.name}
          field={field}
          label={field.name === "" ? "Value" : field.name}
          text={texts[field.name] ?? ""}
          fault={faults.get(field.name)}
          write={write}
        />
      ))}
    </>
  );
}

const jsonField: Field = {
  ...{ name: "", kind: "json", isNeeded: true, isWhole: false, choices: [], help: "" },
  ...{ min: undefined, max: undefined },
};

interface FieldRowProps {
  readonly field: Field;
  readonly label: string;
  readonly text: string;
  readonly fault: string | undefined;
  readonly write: (name: string, text: string) => void;
}

function FieldRow({ field, label, text, fault, write }: FieldRowProps) {
  const id = useId();
  const about = fault === undefined && field.help === "" ? undefined : `${id}-about`;
  return (
    <div class="field">
      <label for={id}>
        {label} {!field.isNeeded && <span class="quiet">(may be left out)</span>}
      </label>
      <Input field={field} id={id} about={about} isFaulty={fault !== undefined} text={text} write={write} />
      {about !== undefined && (
        <p id={about} class={fault === undefined ? "quiet field-about" : "field-fault"}>
          {fault ?? field.help}
        </p>
      )}
    </div>
  );
}

interface InputProps extends Pick<FieldRowProps, "field" | "text" | "write"> {
  readonly id: string;
  readonly about: string | undefined;
  readonly isFaulty: boolean;
}

function Input({ field, id, about, isFaulty, text, write }: InputProps): ComponentChildren {
  const common = { id, "aria-describedby": about, "aria-invalid": isFaulty, required: field.isNeeded };
  const onInput = (event: { readonly currentTarget: { readonly value: string } }) =>
    write(field.name, event.currentTarget.value);
  switch (field.kind) {
    case "choice":
    case "yes-no": {
      const choices = field.kind === "choice" ? field.choices.map((choice) => choice.text) : ["yes", "no"];
      return (
        <select {...common} value={text} onChange={onInput}>
          <option value="">{field.isNeeded ? "Choose …" : "–"}</option>
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      );
    }
    case "json":
      return <textarea {...common} rows={4} spellcheck={false} class="mono" value={text} onInput={onInput} />;
    case "number":
      return <input {...common} inputMode="decimal" autocomplete="off" value={text} onInput={onInput} />;
    case "text":
      return <input {...common} type="text" autocomplete="off" value={text} onInput={onInput} />;
  }
}
