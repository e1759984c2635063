// A program from Debian's archive, by apt-get, without root and without touching the machine's own package lists:
// everything that apt writes lies in a private folder. Signatures are checked with the keyring that is on the machine.

import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { debianMirrors } from "./debian-mirror.ts";
import type { FetchContext, FetchOutcome } from "./fetch.ts";
import { failed } from "./fetch.ts";
import { findOnPath, isExecutable, isReadable } from "./locate.ts";
import type { RunOutcome } from "./run.ts";
import { run } from "./run.ts";

export interface DebianPackage {
  /** The release of Debian, as in `unstable`. */
  readonly suite: string;
  /** Of packages, as releases call it: the first that the suite has is taken. */
  readonly names: readonly string[];
  /** Which of its programs is wanted. */
  readonly program: string;
}

/** Stable Debian has a nats-server that is too old. */
const serverPackage: DebianPackage = { suite: "unstable", names: ["nats-server"], program: "nats-server" };
const keyrings = ["/usr/share/keyrings/debian-archive-keyring.pgp", "/usr/share/keyrings/debian-archive-keyring.gpg"];
const updateMsMax = 3 * 60_000;

export async function fetchDebian(
  context: FetchContext,
  aptDir = "/etc/apt",
  wanted = serverPackage,
): Promise<FetchOutcome> {
  for (const program of ["apt-get", "dpkg-deb"]) {
    if ((await findOnPath(program, context.env)).length === 0) return failed(`${program} is not installed`);
  }
  const reasons: string[] = [];
  for (const mirror of await debianMirrors(aptDir)) {
    context.onProgress(`reading the package list of Debian ${wanted.suite} from ${mirror} (about 11 MB)`);
    const outcome = await fetchFrom(mirror, context, wanted);
    if (outcome.kind === "fetched") return outcome;
    reasons.push(`${mirror}: ${outcome.reason}`);
  }
  return failed(reasons.join("; "));
}

async function fetchFrom(mirror: string, context: FetchContext, wanted: DebianPackage): Promise<FetchOutcome> {
  const { suite, names, program } = wanted;
  const folder = join(context.folder, encodeURIComponent(mirror));
  const configFile = await writeConfig(`${mirror} ${suite}`, folder);
  const apt = (args: readonly string[]) =>
    run("apt-get", ["-c", configFile, ...args], { timeoutMs: updateMsMax, env: context.env, cwd: folder });
  const updated = await apt(["update", "-q"]);
  if (updated.kind === "failed") return failed(updated.reason);
  let downloaded: RunOutcome = { kind: "failed", reason: "no package is named" };
  for (const name of names) {
    if (downloaded.kind === "done") break;
    context.onProgress(`downloading the package ${name}`);
    downloaded = await apt(["download", "-q", name]);
  }
  if (downloaded.kind === "failed") return failed(downloaded.reason);
  const archive = (await readdir(folder)).find((file) => file.endsWith(".deb"));
  if (archive === undefined) return failed("apt-get download left no package");
  const root = join(folder, "root");
  const options = { timeoutMs: 60_000, env: context.env, cwd: folder };
  const unpacked = await run("dpkg-deb", ["-x", join(folder, archive), root], options);
  if (unpacked.kind === "failed") return failed(unpacked.reason);
  for (const path of [join(root, "usr/sbin", program), join(root, "usr/bin", program)]) {
    if (await isExecutable(path)) return { kind: "fetched", path };
  }
  return failed(`${archive} holds no ${program}`);
}

/** Read after the machine's own settings, so that its proxy and the like still count. `from`: a mirror and one of its suites. */
async function writeConfig(from: string, folder: string): Promise<string> {
  await mkdir(join(folder, "lists", "partial"), { recursive: true });
  await mkdir(join(folder, "cache", "archives", "partial"), { recursive: true });
  let signedBy = "";
  for (const path of keyrings) if (signedBy === "" && (await isReadable(path))) signedBy = `[signed-by=${path}] `;
  await writeFile(join(folder, "sources.list"), `deb ${signedBy}${from} main\n`);
  const configFile = join(folder, "apt.conf");
  const settings = {
    "Dir::Etc::sourcelist": join(folder, "sources.list"),
    "Dir::Etc::sourceparts": "-",
    "Dir::Etc::preferences": "-",
    "Dir::Etc::preferencesparts": "-",
    "Dir::State::lists": join(folder, "lists"),
    "Dir::State::status": "/dev/null",
    "Dir::Cache": join(folder, "cache"),
    "Acquire::Languages": "none",
    "Acquire::Retries": "2",
    "Acquire::http::Timeout": "20",
    "Acquire::https::Timeout": "20",
    // A mirror that is away is an error here, not a warning.
    "APT::Update::Error-Mode": "any",
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${JSON.stringify(value)};`);
  // Files that only software centres read, and hooks that would tidy or refresh what belongs to the machine.
  const softwareCentre = ["DEP-11", "DEP-11-icons-small", "DEP-11-icons", "DEP-11-icons-large", "DEP-11-icons-hidpi"];
  const dropped = [
    ...softwareCentre.map((target) => `Acquire::IndexTargets::deb::${target}`),
    "APT::Update::Post-Invoke",
    "APT::Update::Post-Invoke-Success",
  ];
  lines.push(...dropped.map((name) => `#clear ${name};`));
  await writeFile(configFile, `${lines.join("\n")}\n`);
  return configFile;
}
