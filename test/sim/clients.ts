// The clients of a run: each is a process that may die; then another one comes and does what it has left undone.

import { Client } from "./client.ts";
import { drawClockFault, SimulatedProcess } from "./process.ts";
import type { Stage } from "./run.ts";

export class Clients {
  readonly #stage: Stage;
  readonly #clients: Client[] = [];
  #opening = 0;
  #count = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async open(): Promise<void> {
    const { plan } = this.#stage;
    for (let at = 0; at < plan.clients; at += 1) this.#clients.push(await this.#openOne(plan.deeds));
  }

  get names(): readonly string[] {
    return this.#clients.map(({ name }) => name);
  }

  get hasBegunAll(): boolean {
    return this.#opening === 0 && this.#clients.every(({ left }) => left === 0);
  }

  begin(): void {
    for (const client of this.#clients) client.begin();
  }

  /** One dies, and another takes its place. */
  replaceOne(): void {
    const { dice, ledger } = this.#stage;
    const at = dice.whole(0, this.#clients.length - 1);
    const client = this.#clients[at];
    if (client === undefined) return;
    ledger.note(`${client.name} dies`);
    client.kill();
    this.#clients.splice(at, 1);
    this.#opening += 1;
    void this.#openOne(client.left).then((next) => {
      this.#opening -= 1;
      this.#clients.push(next);
      next.begin();
    });
  }

  /** One of them reads, beside what it does anyway. */
  readOne(): void {
    if (this.#clients.length > 0) this.#stage.dice.one(this.#clients).read();
  }

  get isQuiet(): boolean {
    return this.#clients.every(({ reads }) => reads === 0);
  }

  async probe(): Promise<void> {
    for (const client of this.#clients) await client.probe();
  }

  async end(): Promise<void> {
    for (const client of this.#clients) await client.end();
  }

  #openOne(deeds: number): Promise<Client> {
    const { world, dice, plan } = this.#stage;
    const process = new SimulatedProcess(world, `client-${this.#count}`, drawClockFault(dice, plan));
    this.#count += 1;
    return Client.open(this.#stage, process, deeds);
  }
}
