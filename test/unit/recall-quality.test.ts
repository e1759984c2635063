// Recall on a conversation of two people over half a year, written for this test. `npm run bench memory.recall` measures
// real ones; this one notices in a second when a means of ranking is lost.

import { expect, test } from "vitest";
import { conversationOf, dayMs, indexOf } from "./recall-support.ts";

const startMs = Date.UTC(2024, 0, 8, 18);
const sessions: readonly (readonly [day: number, lines: readonly string[]])[] = [
  [
    0,
    [
      "Mira: Hey Tomas, happy new year! How was the break?",
      "Tomas: Quiet, mostly. I finally finished repainting the kitchen, it is a warm yellow now.",
      "Mira: Lovely! Mine was louder, my sister came over with her twins.",
      "Tomas: Twins! How old are they?",
      "Mira: Seven in March. They wrecked the sofa and I adored every minute.",
      "Tomas: Ha. Any resolutions?",
      "Mira: I signed up for a ceramics evening class, it begins next Tuesday. And you?",
      "Tomas: Reading more. I picked up a thick novel about the Baltic last week.",
      "Mira: You and your doorstoppers.",
      "Tomas: Guilty. Talk soon!",
    ],
  ],
  [
    33,
    [
      "Tomas: Mira, bad news, the bakery is closing its second branch and I may lose my shifts.",
      "Mira: Oh no. What will you do?",
      "Tomas: I applied to the harbour museum yesterday, as a guide.",
      "Mira: You would be wonderful at that, you never stop explaining ships.",
      "Tomas: Thanks, I think. How is the clay going?",
      "Mira: I made a lopsided bowl and gave it to our neighbour Ines for her birthday.",
      "Tomas: What did she say?",
      "Mira: That it has character! She keeps her keys in it.",
      "Tomas: That is friendship.",
      "Mira: By the way, I have decided to sell the car. The bus is enough for me.",
      "Tomas: Good for you. Less parking rage.",
    ],
  ],
  [
    82,
    [
      "Mira: Tomas! Did you hear back from them?",
      "Tomas: Yes! I start on the second of April, four days a week.",
      "Mira: Congratulations! We have to celebrate.",
      "Tomas: Dinner on Friday? There is a new Georgian place near the mill.",
      "Mira: Perfect. I am off meat at the moment, will that be a problem?",
      "Tomas: Not at all, they do dumplings with mushrooms.",
      "Mira: Sold. Oh, and Pablo is limping again.",
      "Tomas: Your poor old greyhound. Was he at the vet?",
      "Mira: This morning. It is his left hip, he gets pills now and a ramp for the stairs.",
      "Tomas: Give him a biscuit from me.",
    ],
  ],
  [
    156,
    [
      "Tomas: Greetings from Porto! I took the night train and then a slow ferry.",
      "Mira: Jealous! Whom did you go with?",
      "Tomas: My cousin Rui. He used to live here, so I get the tour for free.",
      "Mira: Eat something sweet for me.",
      "Tomas: Already had three custard tarts. How was the exhibition?",
      "Mira: We had ours in the library hall. My blue vase won second prize!",
      "Tomas: No way! I am so proud of you.",
      "Mira: I nearly cried. My teacher wants me to apply for the summer residency in Faenza.",
      "Tomas: Will you?",
      "Mira: I am scared, but yes. The deadline is at the end of the month.",
      "Tomas: Do it. I will proofread.",
    ],
  ],
];
const turns = sessions.flatMap(([day, lines], at) =>
  conversationOf(lines, startMs + day * dayMs, "session.friends", at * 100 + 1),
);
/** A question, and the beginnings of the turns that answer it. */
const questions: readonly (readonly [question: string, ...evidence: readonly string[]])[] = [
  ["What color is Tomas's kitchen?", "Quiet, mostly."],
  ["When do Mira's nieces have their birthday?", "Seven in March."],
  [
    "What hobbies does Mira have?",
    "I signed up for a ceramics",
    "I made a lopsided bowl",
    "We had ours in the library",
  ],
  ["What does Tomas read?", "Reading more."],
  ["Where did Tomas apply for a job?", "I applied to the harbour museum"],
  ["What did Mira give to her neighbor?", "I made a lopsided bowl"],
  ["Why does Mira take the bus?", "By the way, I have decided to sell"],
  ["When did Tomas begin his work at the museum?", "Yes! I start on the second of April"],
  ["What does Mira not eat?", "Perfect. I am off meat"],
  ["What pets does Mira have?", "Sold. Oh, and Pablo", "Your poor old greyhound."],
  ["What is wrong with the dog's leg?", "This morning. It is his left hip"],
  ["Who travelled with Tomas?", "My cousin Rui."],
  ["Which countries or cities did Tomas visit in June 2024?", "Greetings from Porto!"],
  ["What did Mira win?", "We had ours in the library hall."],
  ["How did Ines like the bowl?", "That it has character!"],
  ["What is Mira afraid of?", "I nearly cried.", "I am scared, but yes."],
];

async function recallAt(k: number): Promise<number> {
  const index = indexOf(turns);
  let sum = 0;
  for (const [question, ...evidence] of questions) {
    const { hits } = await index.search(question, { k });
    const found = evidence.filter((text) => hits.some(({ document }) => document.text.startsWith(text)));
    sum += found.length / evidence.length;
  }
  return sum / questions.length;
}

test("what answers a question is among the first turns, for four questions of five among the first three", async () => {
  for (const [, ...evidence] of questions) {
    for (const text of evidence) {
      const bare = text.replace(/^\w+: /, "");
      expect(
        turns.filter((turn) => turn.text.startsWith(bare)),
        bare,
      ).toHaveLength(1);
    }
  }
  expect(await recallAt(1)).toBeGreaterThanOrEqual(0.45);
  expect(await recallAt(3)).toBeGreaterThanOrEqual(0.8);
  expect(await recallAt(5)).toBeGreaterThanOrEqual(0.9);
});
