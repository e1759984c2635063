// What a log takes on the server for each byte that was said, by the server's own count: text, subjects, headers, frames.

import { ContextLog } from "../../src/memory/context-log.ts";
import { turnText } from "../roles/log.ts";
import type { ClusterCase, Finding } from "./cluster-case.ts";
import { verdictOn } from "./cluster-case.ts";
import { openLogServer } from "./log-server.ts";

const sizes = [100, 1_000, 10_000];
const roles = ["user", "assistant"];

export const memoryBytes: ClusterCase = {
  name: "memory.bytes",
  what: "stored bytes per byte of content: turns of 300 bytes by two sides, each in a record of its own, or ten at a time",
  async run({ binary, onProgress }) {
    const findings: Finding[] = [];
    for (const turns of sizes) {
      await using server = await openLogServer(binary);
      const single = new ContextLog({ stores: server.stores, scope: { user: "anna", session: "s1" } });
      for (let n = 0; n < turns; n += 1) await single.append({ text: turnText, role: roles[n % 2] ?? "user" });
      const singleBytes = await server.bytes();
      const many = new ContextLog({ stores: server.stores, scope: { user: "anna", session: "s2" } });
      for (let n = 0; n < turns; n += 10) {
        await many.append(Array.from({ length: 10 }, (_, at) => ({ text: turnText, role: roles[at % 2] ?? "user" })));
      }
      const content = turns * Buffer.byteLength(turnText);
      const bytes = { bytes_per_content_byte: singleBytes / content };
      const finding = {
        name: this.name,
        turns,
        ...bytes,
        ten_at_a_time: ((await server.bytes()) - singleBytes) / content,
      };
      findings.push({ ...finding, wanted: verdictOn(finding, { bytes_per_content_byte: 1.6 }) });
      onProgress(`${this.name}: ${turns} turns: ${finding.bytes_per_content_byte.toFixed(3)}`);
    }
    return findings;
  },
};
