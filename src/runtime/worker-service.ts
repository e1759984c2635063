// A worker as a NATS service: its endpoints are the doors (doors.ts), and what it says of them tells a stranger how to
// call an actor. Pure.

import type { AnyActor, AnyMethod } from "../actors/definition.ts";
import { jsonSchemaOf } from "../core/json-schema.ts";
import type { DoorCounts } from "./doors.ts";
import type { MicroEndpoint, MicroService } from "./micro.ts";
import { packageVersion } from "./package-version.ts";
import type { Subjects } from "./subjects.ts";
import { doorQueue } from "./subjects.ts";

export interface WorkerAbout {
  readonly worker: string;
  readonly name: string | undefined;
  readonly pools: readonly string[];
  readonly startedAt: string;
  readonly actors: readonly AnyActor[];
}

/** What is said of one method at most, so that the answer stays one message. */
const schemaLengthMax = 1_000;
const methodsMax = 200;

export function workerService(about: WorkerAbout, subjects: Subjects, counts: DoorCounts): MicroService {
  const { worker, name, pools, startedAt, actors } = about;
  const metadata = {
    ...(name === undefined ? {} : { name }),
    pools: pools.join(","),
    types: actors.map(({ type }) => type).join(","),
  };
  return {
    ...{ name: subjects.app, id: worker, version: packageVersion(), metadata, startedAt },
    description: `A worker of the Troupe app ${subjects.app}${name === undefined ? "" : `, called ${name}`}`,
    endpoints: [endpointOf("call"), endpointOf("tell")],
  };

  function endpointOf(door: "call" | "tell"): MicroEndpoint {
    const prefix = subjects.doorPrefix(door);
    return {
      ...{ name: door, subject: `${prefix}>`, queue: doorQueue, count: counts[door] },
      metadata: {
        usage: `nats req ${prefix}TYPE.ID.METHOD JSON`,
        answer: door === "call" ? "the method's, as JSON" : '{"sequence":N} when it is stored',
        ...methodsOf(door, actors),
      },
    };
  }
}

/** `counter.add`: what it takes. The doors lead to actors of other workers as well; each worker says what it has. */
function methodsOf(door: "call" | "tell", actors: readonly AnyActor[]): Readonly<Record<string, string>> {
  const all = actors.flatMap(({ type, methods }) =>
    Object.entries(methods).flatMap(([name, method]) =>
      door === "tell" && method.kind === "query" ? [] : [[`${type}.${name}`, inputOf(method)] as const],
    ),
  );
  const rest = all.length - methodsMax;
  return Object.fromEntries([...all.slice(0, methodsMax), ...(rest > 0 ? [["more", `${rest} methods`]] : [])]);
}

function inputOf({ kind, schema }: AnyMethod<never>): string {
  if (schema === undefined) return `${kind}, no argument`;
  const said = jsonSchemaOf(schema);
  const text = said === undefined ? "" : JSON.stringify(said);
  return text === "" || text.length > schemaLengthMax ? `${kind}, an argument` : `${kind} ${text}`;
}
