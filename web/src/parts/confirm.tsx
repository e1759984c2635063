// Asks before something is done that cannot be taken back, and stays until it is: what the server says stands in the dialog, so
// that whoever pressed the button knows what came of it. Escape and "Not now" close it without doing anything; while it is being
// done they do not.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Problem } from "../../../src/monitoring/dashboard/api/page.ts";
import { problemFrom } from "../live/api-client.ts";
import { ProblemBox } from "./states.tsx";

export interface ConfirmProps {
  readonly title: string;
  /** On the button that does it: a verb. */
  readonly action: string;
  /** What will happen. */
  readonly children: ComponentChildren;
  /** Resolves when it is done. What it throws is shown, and can be tried again. */
  readonly act: () => Promise<unknown>;
  readonly onClose: () => void;
}

export function Confirm({ title, action, children, act, onClose }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const [isUnderWay, setUnderWay] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setUnderWay(true);
    setProblem(null);
    try {
      await act();
      onClose();
    } catch (error) {
      setProblem(problemFrom(error));
      setUnderWay(false);
    }
  };
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => isUnderWay && event.preventDefault()}
      // A browser closes it all the same for who presses Escape twice.
      onClose={() => (isUnderWay ? dialog.current?.showModal() : onClose())}
    >
      <form onSubmit={submit}>
        <h2 id={id}>{title}</h2>
        <div class="dialog-text">{children}</div>
        {problem !== null && <ProblemBox problem={problem} />}
        <div class="dialog-ends">
          <button type="button" disabled={isUnderWay} onClick={onClose}>
            Not now
          </button>
          <button type="submit" class="primary" disabled={isUnderWay}>
            {action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
