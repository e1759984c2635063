// What stands between a value and its bytes in the store, if the user wants something there: compression, encryption.
//
//   V1. `decode(encode(bytes))` is `bytes`, for any bytes, also in another process that has a codec of the same id.
//   V2. A value that was written with a codec names it; whoever lacks that codec refuses the value and does not guess.
//   V3. A value without a name in front is plain: a codec can be brought in while plain values stand.

import { decodeText, encodeText } from "../core/codec.ts";
import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";

/** Laws: V1. What it throws on bytes that it cannot read becomes MEMORY_UNREADABLE. */
export interface ValueCodec {
  /** Stands in front of each value. Letters, digits, `-` and `_`, at most 32. Change it when the codec's form changes. */
  readonly id: string;
  encode(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  decode(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** JSON never begins so. */
const mark = 0x7e; // "~"
const lineEnd = 0x0a;
const idForm = /^[A-Za-z0-9_-]{1,32}$/;

/** Codecs of one memory: values are written with the first and read with whichever they name. */
export class ValueCodecs {
  readonly #writing: ValueCodec | undefined;
  readonly #byId = new Map<string, ValueCodec>();

  /** Rejects with OPTION_INVALID. */
  constructor(codecs: readonly ValueCodec[] = []) {
    for (const codec of codecs) {
      if (!idForm.test(codec.id)) {
        const text = `a codec's id must be of [A-Za-z0-9_-], at most 32, got ${JSON.stringify(codec.id)}`;
        throw new TroupeError("OPTION_INVALID", text);
      }
      this.#byId.set(codec.id, codec);
    }
    this.#writing = codecs[0];
  }

  /** The bytes to store. An empty value (a tombstone) stays empty. */
  async encode(text: string): Promise<Uint8Array> {
    const bytes = encodeText(text);
    const codec = this.#writing;
    if (codec === undefined) return bytes;
    const coded = await codec.encode(bytes);
    return Buffer.concat([encodeText(`~${codec.id}\n`), coded]);
  }

  /** The text that was stored. Rejects with CODEC_UNKNOWN, MEMORY_UNREADABLE. */
  decode(key: string, value: Uint8Array): string | Promise<string> {
    if (value[0] !== mark) return decodeText(value);
    const end = value.indexOf(lineEnd);
    const id = end < 0 ? "" : decodeText(value.subarray(1, end));
    const codec = this.#byId.get(id);
    if (codec === undefined) {
      throw new TroupeError("CODEC_UNKNOWN", `${key} was written with the codec ${JSON.stringify(id)}`);
    }
    return decodeWith(codec, key, value.subarray(end + 1));
  }
}

async function decodeWith(codec: ValueCodec, key: string, bytes: Uint8Array): Promise<string> {
  try {
    return decodeText(await codec.decode(bytes));
  } catch (thrown) {
    if (isTroupeError(thrown)) throw thrown;
    const text = `the codec ${codec.id} cannot read ${key}: ${messageOf(thrown)}`;
    throw new TroupeError("MEMORY_UNREADABLE", text, { cause: thrown });
  }
}
