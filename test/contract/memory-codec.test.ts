// Two codecs as a user would write them, from what Node has: one that compresses, one that encrypts.

import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { expect, test } from "vitest";
import type { ValueCodec } from "../../src/memory/value-codec.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import { valueCodecContract } from "./memory-codec.contract.ts";
import { onEachMemory } from "./memory-stores-support.ts";

const zip = promisify(gzip);
const unzip = promisify(gunzip);

const gzipCodec = (): ValueCodec => ({ id: "gzip", encode: (bytes) => zip(bytes), decode: (bytes) => unzip(bytes) });

/** AES-256 in Galois/counter mode: a fresh nonce, the tag, then the text. */
function aesCodec(passphrase: string): ValueCodec {
  const key = createHash("sha256").update(passphrase).digest();
  const [nonceBytes, tagBytes] = [12, 16];
  return {
    id: "aes-256-gcm-1",
    encode: (bytes) => {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      const text = Buffer.concat([cipher.update(bytes), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), text]);
    },
    decode: (bytes) => {
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes });
      decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
      return Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]);
    },
  };
}

onEachMemory((store, open) => {
  valueCodecContract(`${store}, gzip`, { make: gzipCodec, noticesChanges: true }, open);
  valueCodecContract(`${store}, AES-GCM`, { make: () => aesCodec("open sesame"), noticesChanges: true }, open);
});

test("a codec's id is one that can stand in front of a value", () => {
  for (const id of ["", "a b", "a\nb", "é", "x".repeat(33)]) {
    const codec = { ...gzipCodec(), id };
    expect(() => new ValueCodecs([codec]), id).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  }
});
