// Answers that come late: the server has said what was so when it was asked, and the page hears of it when the test lets it.

import type { Page } from "playwright-core";

export interface KeptBack {
  /** The server has answered, and the page has not heard it yet. */
  readonly answered: Promise<void>;
  release(): void;
}

/** The next answer from an address like this one. */
export async function keepBack(page: Page, address: RegExp): Promise<KeptBack> {
  const answered = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  await page.route(
    address,
    async (route) => {
      const response = await route.fetch();
      answered.resolve();
      await released.promise;
      await route.fulfill({ response });
    },
    { times: 1 },
  );
  return { answered: answered.promise, release: released.resolve };
}

/** The next request to such an address gets this instead of an answer. */
export async function refuse(page: Page, address: RegExp, status: number, code: string): Promise<void> {
  const json = { code, message: "it could not be done now", remedy: "Wait." };
  await page.route(address, (route) => route.fulfill({ status, json }), { times: 1 });
}
