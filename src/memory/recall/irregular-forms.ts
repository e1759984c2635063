// Forms of English words that no stemmer brings together: went and go, children and child.

const table = `
begin: began begun; bend: bent; bind: bound; bite: bit bitten; bleed: bled; blow: blew blown;
break: broke broken; breed: bred; bring: brought; build: built; burn: burnt; buy: bought; catch: caught;
choose: chose chosen; cling: clung; come: came; creep: crept; deal: dealt; dig: dug; draw: drew drawn;
dream: dreamt; drink: drank drunk; drive: drove driven; eat: ate eaten; fall: fell fallen; feed: fed; feel: felt;
fight: fought; find: found; flee: fled; fly: flew flown; forbid: forbade forbidden; forget: forgot forgotten;
forgive: forgave forgiven; freeze: froze frozen; get: got gotten; give: gave given; go: went gone goes;
grind: ground; grow: grew grown; hang: hung; hear: heard; hide: hid hidden; hold: held; keep: kept; kneel: knelt;
know: knew known; lay: laid; lead: led; lean: leant; leap: leapt; learn: learnt; leave: left; lend: lent;
lie: lay lain lying; light: lit; lose: lost; make: made; mean: meant; meet: met; mow: mown; pay: paid;
prove: proven; ride: rode ridden; ring: rang rung; rise: rose risen; run: ran; say: said; see: saw seen;
seek: sought; sell: sold; send: sent; sew: sewn; shake: shook shaken; shine: shone; shoot: shot; show: shown;
shrink: shrank shrunk; sing: sang sung; sink: sank sunk; sit: sat; sleep: slept; slide: slid; sow: sown;
speak: spoke spoken; speed: sped; spell: spelt; spend: spent; spill: spilt; spin: spun; spring: sprang sprung;
stand: stood; steal: stole stolen; stick: stuck; sting: stung; strike: struck; swear: swore sworn; sweep: swept;
swell: swollen; swim: swam swum; swing: swung; take: took taken; teach: taught; tear: tore torn; tell: told;
think: thought; throw: threw thrown; understand: understood; wake: woke woken; wear: wore worn;
weave: wove woven; weep: wept; win: won; wind: wound; withdraw: withdrew withdrawn; write: wrote written;
become: became; overcome: overcame; undergo: underwent undergone; child: children; man: men; woman: women;
person: people; foot: feet; tooth: teeth; mouse: mice; goose: geese; life: lives; wife: wives; knife: knives;
leaf: leaves; half: halves; shelf: shelves; wolf: wolves; bad: worse worst
`;

/** From an irregular form to the word that it is a form of. */
export const irregularForms: ReadonlyMap<string, string> = new Map(
  table
    .trim()
    .split(/\s*;\s*/)
    .flatMap((line) => {
      const [word = "", forms = ""] = line.split(": ");
      return forms.split(" ").map((form) => [form, word] as const);
    }),
);
