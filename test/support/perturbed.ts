// Loaded by vitest before each test file: with TROUPE_PERTURB set everything comes late, here and in what is started from here.

const { TROUPE_PERTURB: isWanted, NODE_OPTIONS: options = "" } = process.env;
if (isWanted !== undefined) {
  const late = new URL("./perturb.mjs", import.meta.url).href;
  await import(late);
  Object.assign(process.env, { NODE_OPTIONS: `${options} --import=${late}` });
}
