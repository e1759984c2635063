// Troupe's client, asking who an actor lives with.

import { connect, isTroupeError } from "../../src/index.ts";
import type { Place, ProberSide } from "../side.ts";
import { Counter } from "./counter.ts";

export async function open({ servers, app }: Place): Promise<ProberSide> {
  const troupe = await connect({ servers, app });
  return {
    async touch(id) {
      try {
        return { by: await troupe.actor(Counter, id).ask.touch() };
      } catch (thrown) {
        return { by: 0, failure: isTroupeError(thrown) ? thrown.code : String(thrown) };
      }
    },
    total: (id) => troupe.actor(Counter, id).ask.total(),
    close: () => troupe.close(),
  };
}
