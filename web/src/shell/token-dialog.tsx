// Asks for the token once, when something needs it.

import { useEffect, useRef } from "preact/hooks";
import { asking } from "../live/token.ts";

export function TokenDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const asked = asking.value;
  useEffect(() => {
    if (asked !== null && dialog.current?.open === false) dialog.current.showModal();
    if (asked === null) dialog.current?.close();
  }, [asked]);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement).get("token");
    if (typeof given === "string" && given.trim() !== "") asked?.answer(given.trim());
  };
  return (
    <dialog ref={dialog} aria-labelledby="token-title" onCancel={() => asked?.answer(null)}>
      {asked !== null && (
        <form onSubmit={submit}>
          <h2 id="token-title">The token of this dashboard</h2>
          <p>{asked.why} `troupe dashboard` has printed it when it started, at the end of its address.</p>
          <input name="token" type="password" autocomplete="off" aria-label="Token" required />
          <div class="dialog-ends">
            <button type="button" onClick={() => asked.answer(null)}>
              Not now
            </button>
            <button type="submit" class="primary">
              Go on
            </button>
          </div>
        </form>
      )}
    </dialog>
  );
}
