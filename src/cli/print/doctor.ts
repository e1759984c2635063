// What `troupe doctor` tells a person.

import { count, printBytes, printSpan } from "../../core/amounts.ts";
import type { AppDiagnosis, Diagnosis, Finding } from "../../monitoring/doctor/diagnosis.ts";
import type { Verdict } from "../../monitoring/doctor/durability.ts";
import { mishaps } from "../../monitoring/doctor/durability.ts";
import type { Examination } from "../doctor/examine.ts";
import type { Paint, Style } from "../text.ts";
import { printPairs, printTable } from "../text.ts";

export function printExamination({ diagnosis, findings }: Examination, paint: Paint, width: number): string {
  const { found, app } = diagnosis;
  const blocks = [section("Server", printPairs(serverPairs(diagnosis), paint), paint)];
  if (found !== undefined) {
    blocks.push(
      section(`App ${app}`, `${printPairs(appPairs(found), paint)}\n\n${streamTable(found, paint, width)}`, paint),
    );
    blocks.push(section("What survives what", survivalLines(found, paint), paint));
  }
  const title = findings.length === 0 ? "Nothing to complain about." : "Findings";
  blocks.push([paint("bold", title), ...findings.map((finding) => printFinding(finding, paint))].join("\n"));
  return blocks.join("\n\n");
}

function section(title: string, body: string, paint: Paint): string {
  return `${paint("bold", title)}\n${body}`;
}

function serverPairs({ server, user, account, sync }: Diagnosis): [string, string][] {
  const pairs: [string, string][] = [
    [
      "nats-server",
      `${server.version} at ${server.address}${server.cluster === undefined ? "" : `, cluster ${server.cluster}`}`,
    ],
    ["name", server.name],
  ];
  if (user !== undefined) {
    pairs.push(["account", user.user === "" ? user.account : `${user.account}, as ${user.user}`]);
    const ahead = Math.abs(user.clockAheadMs);
    const isSame = ahead <= user.roundTripMs + 1;
    const clock = isSame ? "the same" : `${printSpan(ahead)} ${user.clockAheadMs > 0 ? "ahead" : "behind"}`;
    pairs.push(["its clock", `${clock} (round trip ${printSpan(user.roundTripMs)})`]);
  }
  if (account !== undefined) {
    pairs.push(["file storage", used(account.storageBytes, account.storageBytesMax, printBytes)]);
    pairs.push(["streams", used(account.streams, account.streamsMax, String)]);
    pairs.push(["consumers", used(account.consumers, account.consumersMax, String)]);
    pairs.push(["disk sync", sync === undefined ? "cannot be read from here" : `${printSync(sync)} (${sync.source})`]);
  }
  pairs.push(["largest message", printBytes(server.payloadBytesMax)]);
  return pairs;
}

function printSync({ isAlways, intervalMs }: NonNullable<Diagnosis["sync"]>): string {
  return isAlways ? "at each write" : `every ${printSpan(intervalMs)}`;
}

function used(amount: number, most: number, print: (amount: number) => string): string {
  return most < 0 ? `${print(amount)}, no limit` : `${print(amount)} of ${print(most)}`;
}

function appPairs({ pools, workers, unowned, mail, deadLetters }: AppDiagnosis): [string, string][] {
  const waits =
    mail.waitingPartitions === 0
      ? "none waits"
      : `${mail.waiting} wait in ${count(mail.waitingPartitions, "partition")}, for ${printSpan(mail.oldestWaitingMs)} at most`;
  const owned = unowned === 0 ? "all owned" : `${unowned} without an owner`;
  return [
    ["workers", String(workers.length)],
    [
      "partitions",
      `${Object.entries(pools)
        .map(([pool, size]) => `${size} (${pool})`)
        .join(", ")}; ${owned}`,
    ],
    ["mail", `${count(mail.stored, "message")} stored, ${waits}; handled ones are removed after the duplicate window`],
    ["timers", String(mail.timers)],
    ["dead letters", String(deadLetters)],
    ["duplicate window", printSpan(mail.duplicateWindowMs)],
  ];
}

function streamTable({ streams }: AppDiagnosis, paint: Paint, width: number): string {
  const head = ["STREAM", "STORAGE", "REPLICAS", "MESSAGES", "SIZE", "LIMIT"];
  const rows = streams.map(({ name, storage, replicas, messages, bytes, bytesMax }) => [
    ...[name, storage, String(replicas), String(messages), printBytes(bytes)],
    bytesMax < 0 ? "none" : printBytes(bytesMax),
  ]);
  return indent(printTable(head, rows, paint, width === 0 ? 0 : width - 2));
}

const styleOf: Record<Verdict, Style> = { kept: "green", "partly-lost": "yellow", lost: "red", unknown: "yellow" };
const wordOf: Record<Verdict, string> = {
  kept: "kept",
  "partly-lost": "partly lost",
  lost: "lost",
  unknown: "unknown",
};

function survivalLines({ survival }: AppDiagnosis, paint: Paint): string {
  const width = Math.max(...mishaps.map((mishap) => mishap.length));
  const verdictWidth = Math.max(...Object.values(wordOf).map((word) => word.length));
  return survival
    .map(({ mishap, verdict, text }) => {
      const word = paint(styleOf[verdict], wordOf[verdict].padEnd(verdictWidth));
      return `  ${mishap.padEnd(width)}  ${word}  ${text}`;
    })
    .join("\n");
}

const levelStyles = { problem: "red", warning: "yellow", note: "cyan" } as const;

export function printFinding({ level, text, remedy }: Finding, paint: Paint): string {
  return `  ${paint(levelStyles[level], `${level}:`)} ${text}\n    ${remedy}`;
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}
