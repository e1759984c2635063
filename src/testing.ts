// What tests of actors use: everything in memory, with time and faults that a seed decides.

export type { FaultPlan, FaultRates, MemoryFault, MemoryOperation } from "./runtime/memory-faults.ts";
export { randomFaults } from "./runtime/memory-faults.ts";
export type { MemoryPortsOptions } from "./runtime/memory-ports.ts";
export { memoryPorts } from "./runtime/memory-ports.ts";
export type { BuriedLetter, MemoryWorldOptions } from "./runtime/memory-world.ts";
export { MemoryWorld } from "./runtime/memory-world.ts";
export type { OpenPorts, Ports, PortsRequest } from "./runtime/ports.ts";
export type { SimulatedClock, SimulatedClockOptions } from "./runtime/simulated-clock.ts";
export { createSimulatedClock, seededRandom } from "./runtime/simulated-clock.ts";
export type { TestDeadLetter, TestTroupe, TestTroupeOptions } from "./runtime/test-troupe.ts";
export { createTestTroupe } from "./runtime/test-troupe.ts";
