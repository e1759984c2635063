// Opens an address in the browser of whoever sits at this machine.

import { spawn } from "node:child_process";

const openers: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** `onFailed` is told when there is none: a server in a data centre has no browser. */
export function openInBrowser(url: string, onFailed: (reason: string) => void): void {
  const [program, ...args] = openers[process.platform] ?? ["xdg-open"];
  const child = spawn(program, [...args, url], { stdio: "ignore", detached: true });
  child.once("error", ({ message }) => onFailed(message));
  child.unref();
}
