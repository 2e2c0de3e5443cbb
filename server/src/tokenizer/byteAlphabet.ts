/**
 * Byte-level BPE writes each byte as one printable character (the mapping of GPT-2, which the Hugging Face
 * format adopted): printable Latin-1 stands for itself, the other 68 bytes are U+0100 and up, in order.
 */
const byteOfCharacter: ReadonlyMap<string, number> = (() => {
  const isPrintable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  const map = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    map.set(String.fromCharCode(isPrintable(byte) ? byte : next++), byte);
  }
  return map;
})();

/** The bytes a token of the vocabulary stands for; undefined when it is not written in the alphabet. */
export function tokenBytes(token: string): Uint8Array | undefined {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = byteOfCharacter.get(token.charAt(i));
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}
