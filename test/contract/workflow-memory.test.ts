import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { openMailOnMemory } from "./mail-on-memory.ts";
import { workflowContract } from "./workflow.contract.ts";

workflowContract("memory", async () => {
  const { world, subjects, buried, ...opened } = await openMailOnMemory();
  return { ...opened, app: subjects.app, ports: memoryPorts({ world }), buried };
});
