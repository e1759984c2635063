// Which Debian mirrors to ask: the ones that this machine uses, then the one that everybody has.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const everybodysMirror = "http://deb.debian.org/debian";

/** Mirrors of Debian's main archive, best first. `aptDir` is normally `/etc/apt`. */
export async function debianMirrors(aptDir: string): Promise<string[]> {
  const texts = [
    { name: "sources.list", text: await readIfThere(join(aptDir, "sources.list")) },
    ...(await readFolder(join(aptDir, "sources.list.d"))),
  ];
  const addresses = texts.flatMap(({ name, text }) =>
    name.endsWith(".sources") ? fromStanzas(text) : fromLines(text),
  );
  const mirrors = addresses.map((address) => address.replace(/\/+$/, "")).filter(isMainArchive);
  return [...new Set([...mirrors, everybodysMirror])];
}

/** Security updates and other vendors' archives hold no nats-server. A snapshot holds the one of its day. */
function isMainArchive(address: string): boolean {
  return /^https?:\/\/\S+\/debian$/.test(address) && !address.includes("//archive.debian.org/");
}

/** deb822: `URIs: http://… http://…` in a stanza whose `Types:` hold `deb`. */
function fromStanzas(text: string): string[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    if (!/^Types:.*\bdeb\b/m.test(stanza) || /^Enabled:\s*no/im.test(stanza)) return [];
    return /^URIs:(.*)$/m.exec(stanza)?.[1]?.trim().split(/\s+/) ?? [];
  });
}

/** One line each: `deb [options] http://… suite components`. */
function fromLines(text: string): string[] {
  return text.split("\n").flatMap((line) => /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)/.exec(line)?.[1] ?? []);
}

async function readFolder(folder: string): Promise<{ name: string; text: string }[]> {
  const names = await readdir(folder).catch(() => []);
  const wanted = names.filter((name) => /\.(list|sources)$/.test(name)).sort();
  return Promise.all(wanted.map(async (name) => ({ name, text: await readIfThere(join(folder, name)) })));
}

/** A source that is missing or may not be read names no mirror. */
function readIfThere(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
