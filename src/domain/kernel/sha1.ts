/**
 * SHA-1 of short texts (FIPS 180-4), for ids that are derived by the dozen with every command. By hand, since the domain
 * does no I/O and asks no platform; it is as fast as the platform's own for texts of this length.
 */

const BLOCK_BYTES = 64;
/** Room for the end mark and the length, which take up to nine bytes more. */
const TAIL_BYTES = 9;

const words = new Int32Array(80);
const encoder = new TextEncoder();
let bytes = new Uint8Array(1_024);
let view = new DataView(bytes.buffer);

/** The digest, as five words of 32 bits. */
export type Digest = readonly [number, number, number, number, number];

const START: Digest = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0];

/** The digest of `prefix` followed by `text` in UTF-8. */
export function sha1(prefix: Uint8Array, text: string): Digest {
  // a UTF-16 unit becomes three bytes at most
  const needed = prefix.length + 3 * text.length + TAIL_BYTES + BLOCK_BYTES;
  if (bytes.length < needed) {
    bytes = new Uint8Array(needed);
    view = new DataView(bytes.buffer);
  }
  bytes.set(prefix);
  const length = prefix.length + encoder.encodeInto(text, bytes.subarray(prefix.length)).written;
  const end = Math.ceil((length + TAIL_BYTES) / BLOCK_BYTES) * BLOCK_BYTES;
  bytes.fill(0, length, end);
  bytes[length] = 0x80;
  view.setUint32(end - 4, length * 8);
  let digest = START;
  for (let start = 0; start < end; start += BLOCK_BYTES) digest = withBlock(digest, start);
  return digest;
}

const word = (index: number): number => words[index] as number;

function withBlock(digest: Digest, start: number): Digest {
  for (let index = 0; index < 16; index += 1) words[index] = view.getInt32(start + 4 * index);
  for (let index = 16; index < 80; index += 1) {
    const mix = word(index - 3) ^ word(index - 8) ^ word(index - 14) ^ word(index - 16);
    words[index] = (mix << 1) | (mix >>> 31);
  }
  let [a, b, c, d, e] = digest;
  for (let round = 0; round < 80; round += 1) {
    const next = ((a << 5) | (a >>> 27)) + mixed(round, b, c, d) + e + word(round);
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next | 0;
  }
  return [(digest[0] + a) | 0, (digest[1] + b) | 0, (digest[2] + c) | 0, (digest[3] + d) | 0, (digest[4] + e) | 0];
}

/** The round's function of three words, and its constant. */
function mixed(round: number, b: number, c: number, d: number): number {
  if (round < 20) return ((b & c) | (~b & d)) + 0x5a827999;
  if (round < 40) return (b ^ c ^ d) + 0x6ed9eba1;
  if (round < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
  return (b ^ c ^ d) + 0xca62c1d6;
}
