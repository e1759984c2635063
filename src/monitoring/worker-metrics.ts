// A worker's figures on an address of their own, for Prometheus: `troupe worker --metrics`.

import { packageVersion } from "../runtime/package-version.ts";
import type { Worker } from "../runtime/worker.ts";
import type { MetricsServer } from "./metrics-server.ts";
import { openMetricsServer } from "./metrics-server.ts";
import { metricsText } from "./metrics-text.ts";

export interface WorkerMetrics extends MetricsServer {
  /** From now on the answer is of this worker. */
  show(worker: Worker, name: string | undefined): void;
}

/** Before there is a worker to show the answer is 503. Rejects with PORT_TAKEN, OPTION_INVALID. */
export async function openWorkerMetrics(address: { readonly host: string; readonly port: number }) {
  let text = (): Promise<string> => Promise.reject(new Error("the worker does not serve yet"));
  const server = await openMetricsServer({ ...address, text: () => text() });
  const show = (worker: Worker, name: string | undefined) => {
    text = () => workerMetricsText(worker, name);
  };
  return { ...server, show } satisfies WorkerMetrics;
}

/**
 * Series tell workers apart by the name that people gave them: an id changes with each start, and would begin all series
 * anew. The id stands in `target_info`.
 */
export function workerMetricsText(worker: Worker, name: string | undefined): Promise<string> {
  const { id, app } = worker;
  return metricsText(worker.figures(), {
    labels: { app, ...(name === undefined ? {} : { name }) },
    about: {
      ...{ "service.name": `${app}-worker`, "service.instance.id": id, "service.version": packageVersion() },
      ...{ "process.pid": process.pid, app, worker: id, ...(name === undefined ? {} : { name }) },
    },
  });
}
