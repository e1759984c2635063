// The few words of everyday English that people put in place of each other, and the kinds of things that they ask for by
// the name of the kind. A person who asks for somebody's hobbies hopes for "I went hiking", where the word hobby is not said.
//
// It is a list, no model: it holds what is common to everybody's life and nothing of anybody's. Words of one line of
// `alike` count as one word. A line of `kinds` says: who asks for one of the words before the colon may mean those behind it.

import { termOf } from "./words.ts";

const alike = `
child kid kiddo
mother mom mum mommy mama
father dad daddy papa
grandmother grandma granny nana
grandfather grandpa granddad
parent folks
picture photo pic photograph
family fam
movie film
bicycle bike
buy purchase
begin start
job work career profession occupation
favorite favourite fave
doctor doc physician
television tv
automobile car vehicle
trip travel vacation journey holiday roadtrip
happy glad
baby infant newborn
husband wife spouse partner
bag purse
store shop
exercise workout
gift present
hobby interest
house home
city town
sick ill
scared afraid frightened
enjoy love like
`;

const kinds = `
activity hobby pastime leisure interest: swim hike camp paint draw run jog dance cook bake read yoga garden fish climb ski surf skate bike kayak sew knit pottery photography game chess sing gym tennis football soccer basketball golf volunteer travel picnic museum concert craft ceramic clay write puzzle
sport exercise fitness workout athletic: run jog swim yoga gym weights lift cardio tennis soccer football basketball baseball volleyball golf hockey cricket rugby boxing pilates cycle bike ski snowboard surf climb marathon race train hike team coach match
martial: karate judo taekwondo kickboxing boxing aikido wrestling fencing
food meal dish cuisine eat recipe snack cook: pizza pasta salad soup sandwich burger chicken beef pork fish seafood rice noodle bread cheese egg vegetable fruit cake cookie pie chocolate breakfast lunch dinner curry steak sushi taco bake grill roast restaurant diet
dessert sweet: cake cookie pie icecream cream chocolate brownie muffin cupcake pudding tart candy pastry donut
drink beverage: coffee tea beer wine juice soda smoothie cocktail milk lemonade
pet animal: dog cat puppy kitten bird fish horse rabbit hamster turtle snake parrot pup lizard cow bear deer vet leash
dog: puppy pup poodle beagle labrador retriever terrier shepherd greyhound bulldog husky bark leash
cat: kitten kitty tabby siamese meow
instrument: guitar piano violin drum clarinet flute saxophone trumpet cello ukulele keyboard bass harp
music musical musician band artist concert: song sing singer guitar piano album jazz rock pop classical concert band festival playlist tune
book read author novel literature: novel story author writer chapter series memoir biography fantasy poem library
movie film show television watch: movie film series documentary cinema theater actor scene comedy drama thriller episode
game: chess poker videogame console puzzle tournament card board playstation xbox nintendo
country abroad nation european: england britain uk france spain italy germany portugal greece ireland scotland sweden norway denmark finland iceland switzerland austria poland russia ukraine turkey china japan korea thailand vietnam india indonesia philippines australia zealand canada mexico brazil argentina peru chile colombia cuba egypt morocco kenya nigeria ghana africa europe asia america
state: california texas florida oregon washington nevada arizona colorado utah montana alaska hawaii georgia virginia michigan ohio illinois minnesota wisconsin massachusetts maine vermont tennessee carolina louisiana alabama
city: york chicago boston seattle portland denver austin dallas houston miami atlanta phoenix francisco angeles diego vegas toronto vancouver london paris rome barcelona madrid berlin amsterdam tokyo sydney dublin
place location: park beach mountain lake river forest city town country shop store cafe restaurant museum gym church school home shelter center island coast hotel hospital library
trip travel vacation visit holiday: fly flight drive hike camp tour beach hotel passport explore getaway airport
family relative sibling: mother father sister brother son daughter wife husband aunt uncle cousin grandmother grandfather niece nephew child parent twin
child: son daughter baby toddler boy girl
parent: mother father
job career work profession occupation employer: office boss company colleague coworker hire interview promotion business manager engineer teacher nurse doctor salary resume
study education school degree major college university: class course school college university degree major exam student teacher professor graduate thesis study learn
feel feeling emotion mood reaction react: happy sad excited proud scared nervous anxious grateful thankful thrilled relieved upset angry worried stressed joy love amazed disappointed frustrated overwhelmed blessed
art artwork craft artistic: paint draw sculpture pottery photography sketch mural canvas clay ceramic portrait watercolor gallery exhibit
color colour: red blue green yellow purple pink orange black white brown gray gold silver
weather season: rain snow sun storm wind winter summer spring autumn
health medical illness injury condition: doctor hospital sick pain injury surgery diagnosis disease diet medicine therapy allergy asthma diabetes weight
stress relax cope calm unwind: relax calm peace therapy meditation yoga walk run unwind breathe soothe refresh
vehicle car: truck van bike motorcycle bus engine drive
clothes clothing wear outfit: shirt dress shoe jacket hat coat jeans sweater boots necklace
event attend: party festival parade concert conference fundraiser race wedding birthday ceremony workshop exhibit celebration gala fair meeting
money financial finance cost price: dollar rich poor afford pay bank loan budget debt salary expensive
religion religious faith spiritual belief: church god pray faith bible temple mosque worship bless
political politics vote: election campaign government policy liberal conservative office candidate rights
home house live: apartment room kitchen garden neighborhood move rent
plant garden flower: flower tree seed rose tomato garden plant soil grow bloom
technology device gadget: phone computer laptop tablet app software camera robot
relationship status romantic dating: single married boyfriend girlfriend husband wife partner date divorce breakup engage wedding
gift present: necklace ring card surprise birthday
goal plan dream future: goal plan hope dream want aim
volunteer charity cause community help: volunteer charity donate shelter fundraiser community homeless nonprofit support cause
writing write author poet: novel script screenplay poem blog essay draft publish journal story chapter article
business company startup brand: store shop customer client market sell product launch investor sponsor advertise
dance dancer: ballet salsa tango choreography studio stage perform
award prize achievement accomplishment accomplish success: win award medal trophy champion certificate graduate promotion publish
injury accident hurt: broke crash sprain ankle knee back hospital surgery cast recover
body leg arm: hip knee ankle foot leg arm hand finger shoulder elbow wrist back neck head
allergy allergic: peanut nut dairy gluten pollen fur shellfish
problem challenge struggle obstacle difficulty setback trouble: lose fail hard tough quit broke hurt stress stuck delay
advice suggestion recommendation tip recommend suggest: try should recommend suggest advice
festivity festive holidays: christmas thanksgiving halloween easter hanukkah diwali ramadan birthday eve
friend companion: buddy pal mate roommate neighbor colleague coworker teammate
language: english spanish french german italian portuguese chinese mandarin japanese korean arabic russian hindi
science subject field: biology chemistry physics math history psychology economics law engineering philosophy
furniture decoration decor: table chair sofa couch bed lamp shelf desk curtain rug mirror
habit routine: daily morning every usual smoke drink sleep wake diet
charm memento keepsake souvenir symbol: necklace ring photo letter flag medal postcard jewelry tattoo
crime danger dangerous: police theft stolen fire flood storm emergency rescue
nature outdoor outdoors: hike camp mountain lake river forest beach trail tree sunset waterfall kayak climb park
`;

const toTerms = (words: string): readonly string[] => [...new Set(words.split(" ").map(termOf))];

/** All terms that count as one with a term, itself included. */
export const alikeTerms: ReadonlyMap<string, readonly string[]> = new Map(
  alike
    .trim()
    .split("\n")
    .flatMap((line) => toTerms(line).map((term, _, all) => [term, all] as const)),
);

/** The terms of the things that a term may stand for. */
export const kindTerms: ReadonlyMap<string, readonly string[]> = readKinds();

function readKinds(): ReadonlyMap<string, readonly string[]> {
  const members = new Map<string, Set<string>>();
  for (const line of kinds.trim().split("\n")) {
    const [names = "", things = ""] = line.split(": ");
    for (const name of toTerms(names)) {
      members.set(name, new Set([...(members.get(name) ?? []), ...toTerms(things)]));
    }
  }
  return new Map([...members].map(([name, things]) => [name, [...things]]));
}
