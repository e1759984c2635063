import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { openMailOnMemory } from "./mail-on-memory.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { workflowContract } from "./workflow.contract.ts";
import { workflowProgressContract } from "./workflow-progress.contract.ts";

const open: OpenRuntime = async () => {
  const { world, subjects, buried, ...opened } = await openMailOnMemory();
  return { ...opened, app: subjects.app, ports: memoryPorts({ world }), buried };
};

workflowContract("memory", open);
workflowProgressContract("memory", open);
