// Makes everything that a process hears of come late, by chance: what arrives on sockets and pipes, what is written to them, ends
// of child processes, timers, answers of the file system; and now and then the whole process stands still. A test that takes for
// granted that one thing comes before another fails with it in minutes instead of once in fifty runs. The processes that a test
// starts are late as well. For example: `TROUPE_PERTURB=1 npm run server`.
//
//   W1. Nothing is lost and nothing on one socket, or about one child, changes its order: what fails would fail on a machine
//       that is busy.
//   W2. Delays are short beside leases and time-outs: most none, one in twelve above 20 ms, none above 250 ms. A process stands
//       still for a tenth of its time, as on a machine with more to do than cores.

// JavaScript, since it is preloaded into every process, whatever runs there.

import { ChildProcess } from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { Socket } from "node:net";
import timersPromises from "node:timers/promises";

const plainTimeout = globalThis.setTimeout;

/** W2. Unit: ms. */
function lateMs() {
  const chance = Math.random();
  if (chance < 0.6) return 0;
  if (chance < 0.92) return 1 + Math.random() * 19;
  if (chance < 0.99) return 20 + Math.random() * 60;
  return 80 + Math.random() * 170;
}

/** Runs what it is given one after the other, each late (W1); while nothing waits, what is not late runs at once. */
class LateLine {
  #waiting = [];

  run(act) {
    const ms = lateMs();
    if (this.#waiting.length === 0 && ms === 0) return act();
    this.#waiting.push({ act, dueAt: performance.now() + ms });
    if (this.#waiting.length === 1) this.#next();
    return undefined;
  }

  #next() {
    plainTimeout(
      () => {
        const { act } = this.#waiting[0];
        try {
          act();
        } finally {
          this.#waiting.shift();
          if (this.#waiting.length > 0) this.#next();
        }
      },
      Math.max(0, this.#waiting[0].dueAt - performance.now()),
    );
  }
}

/** One line for each object that is late. */
function lines() {
  const of = new WeakMap();
  return (one) => {
    const line = of.get(one) ?? new LateLine();
    of.set(one, line);
    return line;
  };
}

const incoming = lines();
/** Of sockets whose reader has enough: what they are told of the next chunk, so that who does not read holds up who writes. */
const full = new WeakSet();
const { push, _write, _writev } = Socket.prototype;
Socket.prototype.push = function pushLate(chunk, encoding) {
  incoming(this).run(() => {
    if (this.destroyed) return;
    if (push.call(this, chunk, encoding)) full.delete(this);
    else full.add(this);
    // The end is only heard by who reads; Node does so when it has pushed it.
    if (chunk === null) this.read(0);
  });
  return !full.has(this);
};

// The stream waits for the one write before the next. What is printed is written at once: a process may end with it.
const isPrint = ({ fd }) => fd === 1 || fd === 2;
Socket.prototype._write = function writeLate(...args) {
  if (isPrint(this)) return _write.apply(this, args);
  return outgoing(() => _write.apply(this, args));
};
Socket.prototype._writev = function writevLate(...args) {
  if (isPrint(this)) return _writev.apply(this, args);
  return outgoing(() => _writev.apply(this, args));
};
function outgoing(act) {
  const ms = lateMs();
  if (ms === 0) return act();
  plainTimeout(act, ms);
  return undefined;
}

const stillness = new Int32Array(new SharedArrayBuffer(4));
function standStill() {
  Atomics.wait(stillness, 0, 0, 10 + Math.random() * 190);
  plainTimeout(standStill, Math.random() * 2_000).unref();
}
plainTimeout(standStill, Math.random() * 2_000).unref();

const ends = lines();
const { emit } = ChildProcess.prototype;
ChildProcess.prototype.emit = function emitLate(event, ...args) {
  if (event !== "exit" && event !== "close") return emit.call(this, event, ...args);
  ends(this).run(() => emit.call(this, event, ...args));
  return true;
};

globalThis.setTimeout = Object.assign(
  (act, ms, ...args) => plainTimeout(act, (ms ?? 0) + lateMs(), ...args),
  // What `promisify` makes of it.
  Object.fromEntries(Object.getOwnPropertySymbols(plainTimeout).map((symbol) => [symbol, plainTimeout[symbol]])),
);
const plainSleep = timersPromises.setTimeout;
timersPromises.setTimeout = (ms, ...args) => plainSleep((ms ?? 0) + lateMs(), ...args);

for (const name of Object.keys(fs.promises)) {
  const plain = fs.promises[name];
  if (typeof plain !== "function" || name === "watch" || name === "glob") continue;
  fs.promises[name] = async (...args) => {
    const ms = lateMs();
    if (ms > 0) await new Promise((wake) => plainTimeout(wake, ms));
    return plain(...args);
  };
}
syncBuiltinESMExports();
