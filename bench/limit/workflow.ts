// Five compare-and-set writes of a key, as tight as the official connection allows.

import { stateSubject } from "../names.ts";
import type { Done, Place, WorkflowSide } from "../side.ts";
import { toError } from "../side.ts";
import { bucketBytes } from "../workflow-bytes.ts";
import { expecting, LeanLink, sequenceOf } from "./link.ts";

const steps = 5;

export async function open({ servers, app }: Place): Promise<WorkflowSide> {
  const link = await LeanLink.open({ servers });

  function step(subject: string, number: number, revision: number, done: Done): void {
    const value = JSON.stringify({ phase: number === steps ? "completed" : "running", done: number });
    link.request(subject, Buffer.from(value), expecting(revision), (ack) => {
      try {
        const written = sequenceOf(ack.data);
        if (number === steps) done(undefined, steps);
        else step(subject, number + 1, written, done);
      } catch (thrown) {
        done(toError(thrown), 0);
      }
    });
  }

  const never = () => {
    throw new Error("nobody waits by hand");
  };
  return {
    run: (id, done) => step(stateSubject(app, `five.${id}`), 1, 0, done),
    ...{ wait: never, wake: never },
    bytes: () => bucketBytes(servers, app),
    close: () => link.close(),
  };
}
