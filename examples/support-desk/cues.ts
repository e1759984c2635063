// The words by which the desk knows what a message is about and how its writer feels. Data; the rules read it.

import type { Alarm, Cue, Topic } from "./rules.ts";

/** In order of precedence: of two topics with the same score the earlier one is taken. */
export const topicCues: ReadonlyArray<readonly [Topic, readonly Cue[]]> = [
  ["praise", [[4, /just a note to say|was wonderful|10 out of 10|compliments to|a pleasure to deal|well done/]]],
  [
    "account",
    [
      [
        4,
        /\b(hacked|phishing|scams?|identity monitoring|recovery codes|personal data|people's data|gdpr|newsletter)\b/,
      ],
      [4, /second owner|(confirm|type in|changed the|forgot) (my |the )?password|admin password|cop(y|ied) of my id/],
      [
        3,
        /two-factor|\blog(ged)?[ -]?in\b|locked out|still locked|unlocked|account is locked|too many attempts|reset mail/,
      ],
      [3, /e-?mail address|my password|(old|two|second) accounts?\b|a login\b|orders i never made|my network\b/],
      [1, /\baccount\b/],
    ],
  ],
  [
    "returns",
    [
      [4, /\brma\b|\brma-\d+|devoluci|devolver|reembolso|retour|rücksend|return label|(wrong|another) colou?r/],
      [4, /exchange (it|this|them)|send it back|does not turn on|should i return|like to return|am returning/],
      [3, /\breturn(ed|ing|s)?\b|(send|sent|get) (me )?(the|a) (new|right|replacement)|in the rain/],
      [2, /replacement|cracked|soaked|broken off|serial number|etiqueta|\blabel\b|instead of/],
      [1, /refund|the old one|\bbox says\b|money back/],
    ],
  ],
  [
    "billing",
    [
      [4, /charged? (twice|again|me|for|€)|double charge|duplicate payment|(been|was) charged|direct debit|rechnung/],
      [4, /\binvoices?\b|\bvat\b|\bbilled\b|price (just|stays|went|increase)|old price|yearly plan|voucher|free trial/],
      [
        3,
        /subscription|\bcancel|\b(down|up)grade\b|student (discount|card)|compensation|the increase|our plan|months? free/,
      ],
      [
        2,
        /refund|€\d|\b(payment|paid|pay|discount|credit|bank|prices?|plan|money|contract)\b|harbor (basic|plus|family)/,
      ],
    ],
  ],
  [
    "shipping",
    [
      [4, /\b(courier|customs|parcel|tracking|waybill|depot)\b|out for delivery|in transit|old address|delivery note/],
      [3, /\b(deliver(y|ed)|shipped|shipping|ships?|express)\b|where is my order|\barriv(e|ed|es)\b|届きました/],
      [2, /\border(ed)? (hb-|is|on|arrived)|\bhb-\d+|new address|it's here|is here\b/],
      [1, /\border(ed)?\b|\bbox\b|correos/],
    ],
  ],
  [
    "technical",
    [
      [
        4,
        /firmware|wi-?fi|port forward|wireguard|\bdns\b|mac address|error e-\d+|guest network|\boutage\b|unreachable/,
      ],
      [4, /\b(red|amber|orange|white|no) light|light (goes|is|=)|\blampe\b|pairing code|local api|\/api\b|status page/],
      [
        3,
        /factory reset|reset button|restart(s|ed)?\b|reboot|without internet|find the internet|television|parental control/,
      ],
      [
        3,
        /\b(mbit|antenna|adapter|ethernet|5g|speed|slow|chain|channel \d+|printer|tcpdump|scope|rack)\b|burnt|fire hazard/,
      ],
      [2, /\b(router|drops?|dropped|connect(s|ed|ion)?|updated?|app|devices?|network|settings|pages|unstable)\b/],
      [2, /verbindet|funktioniert|\bforwarding\b|\bports?\b|\bhotspot\b|power cycle|\bunits\b|region mismatch/],
      [1, /\b(harbor (one|mini|max)|mini|max|works)\b/],
    ],
  ],
];

export const angryCues: readonly Cue[] = [
  [3, /\b(furious|garbage|rubbish|theft|unbelievable|ridiculous|clown show|outrageous)\b|very angry|sick of|a joke\b/],
  [2, /fed up|i want my (money|€)|done with you|unacceptable|disgrace|how dare|solicitor|small claims/],
  [1, /\?{3,}|!{2,}|every time|(third|fourth) (time|message|call|mail)|that is your job|stay away/],
];

export const annoyedCues: readonly Cue[] = [
  [
    2,
    /frustrating|disappointed|fed up|not good enough|nobody (called|reads|has|answers|told)|no (serious )?(reply|answer)/,
  ],
  [2, /no call|(third|fourth) (time|message|call|mail)|sneaky|seriously\?|too long|tiring|guess what|painfully/],
  [2, /\b(two|three|four|five|\d+) (hours|days|weeks) (now|already)|patients home|i can count|good enough to answer/],
  [1, /\bstill\b|\bagain\b|\byet\b|took (friday|the day)|hello\?|i wrote to you|anyone there|are you a bot|waited in/],
  [
    1,
    /promised|waiting|stuck|that is not|not believing|your mistake|\blol\b|\bnope\b|no luck|do not want a|\?\?|😕|😭|😬|💀/,
  ],
];

export const happyCues: readonly Cue[] = [
  [2, /\bthanks?\b|thank you|\bty\b|\bthx\b|\bta\b\.|cheers|merci|gracias|danke|dziękuję|obrigada|grazie|ありがとう/],
  [
    2,
    /wonderful|delighted|brilliant|perfect|splendid|how nice|happy with|i'm happy|a pleasure|love u|\byay\b|much obliged/,
  ],
  [2, /problem solved|fastest|most patient|slept like a baby|that is fair|fair enough|works very well|\bsorted\b/],
  [1, /[😊💛❤🙏🥳🎂🎉👍👌]/u],
];

export const resolvingCues: readonly Cue[] = [
  [3, /\b(solved|sorted|fixed it|settled|it works|funktioniert)\b|works!|all good|close (this|the ticket)|that was it/],
  [
    3,
    /\bworks (again|now|very|well|on|also|from|with)|(actually|the \w+) works\b|it prints|now it is right|is running|back now/,
  ],
  [3, /(refund|money|reembolso)('s| has| is| ha)?( already)? (back|landed|received|arrived|llegado)|got the refund/],
  [3, /refund of \S+ (is|has)|let us leave it|we accept|i'll take that|shall remain|logged in with|answers everything/],
  [3, /is here\b|it's here|all i needed|torn up the form|much obliged|i'm back in|no harm done|\bagreed\b/],
  [2, /\b(has |have )?(arrived|came|collected|received|stable|unlocked|confirmed)\b|届きました|that is fair|is gone\b/],
  [
    2,
    /not a single|no red light|nothing odd|\byay\b|\bdone\b|\bperfect\b|fair enough|parfait|is right\b|i'm happy|that was quick/,
  ],
  [1, /\bthanks?\b|thank you|\bty\b|\bthx\b|merci|gracias|danke|obrigada|ありがとう|\bta\b\./],
  [-2, /\?/],
  [
    -2,
    /\bnot (?!a single|thankful)|no luck|\bnope\b|\bbut\b|doesn't|didn't|cannot|\bcan't\b|\bnever\b|nobody|already too/,
  ],
  [-2, /i would like |i'd like |could you|arrived (with|too)|still (not|has|have|says|asks|slow|locked|pending)/],
  // Who asks for something has not got it.
  [-6, /\bi (want|expect|demand) |\b(do|will|can) i get\b/],
  [-3, /says (delivered|should)|(third|fourth) (time|message|call|mail)|came in but|, but (the|my|your|it)\b/],
];

export const alarmCues: Readonly<Record<Alarm, RegExp>> = {
  security:
    /hacked|(it )?wasn't me|login from a city|orders i never made|using my card|has the admin password|did type in my password/,
  safety: /fire hazard|smells? burnt|\bsmoke\b|too hot to touch|electric shock|\bsparks\b/,
  legal:
    /solicitor|lawyer|small claims|\bcourt\b|data protection authority|dispute the charge|legal action|sue you|consumer protection/,
  churn:
    /switching to a|to another provider|i want to cancel|i('ll| will) cancel my|done with you|leaving you for|stay away from harbor/,
};

export const urgentCue =
  /\burgent|\bemergency\b|\basap\b|\btoday\b|\btonight\b|deadline|please (lock|do it now|escalate)|stop (them|the parcel)|i'm scared|anyone there|without internet|cannot open/;

export const relaxedCue = /no hurry|no rush|one more small thing|in no particular hurry|just a note|whenever you/;
