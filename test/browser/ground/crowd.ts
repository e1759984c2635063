// Many actors that change often, in a process of its own: `node crowd.ts URL ACTORS CHANGES_PER_S`. It writes their values as workers
// do, without any turn, since it is the page that is to be put under load. Prints "filled" when all are there, "changing" when it
// goes on to change them, and ends on SIGTERM.

import { once } from "node:events";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

const [, , servers = "", actorsText = "0", rateText = "0"] = process.argv;
const actors = Number(actorsText);
const perS = Number(rateText);
const everyMs = 20;
/** Published without waiting for the server: beyond that it may be too slow to follow. */
const filledAtOnce = 2_000;

const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());
const connection = await connect({ servers });
const { streams } = await jetstreamManager(connection);

const colors = ["red", "green", "blue", "grey"];
const write = (nth: number, round: number) => {
  const state = { round, color: colors[(nth + round) % colors.length], basket: [nth % 7, nth % 11] };
  connection.publish(
    `$KV.troupe_state.crowd.c${nth}`,
    JSON.stringify({ state, schema: 1, epoch: 1, commit: `r${round}` }),
  );
};

for (let nth = 0; nth < actors; nth += 1) {
  write(nth, 0);
  // The answer comes after what was published before it has been stored.
  if (nth % filledAtOnce === 0) await streams.info("KV_troupe_state");
}
await streams.info("KV_troupe_state");
console.log("filled");

let nth = 0;
const beganMs = performance.now();
const ticking = setInterval(() => {
  const due = ((performance.now() - beganMs) / 1_000) * perS;
  // Strides over all of them, so that neighbours on the page do not change together.
  for (; nth < due; nth += 1) write((nth * 7_919) % actors, 1 + Math.floor(nth / actors));
}, everyMs);
console.log("changing");
await once(stop.signal, "abort");
clearInterval(ticking);
await connection.close();
