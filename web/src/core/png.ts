/** The text chunks of a PNG file, where generated pictures carry their workflow. */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, index) => bytes[index] === byte);
}

/** Key → text of every tEXt and uncompressed iTXt chunk; a truncated file gives what could be read. */
export function pngTexts(bytes: Uint8Array): Map<string, string> {
  const texts = new Map<string, string>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const latin1 = new TextDecoder("latin1");
  const utf8 = new TextDecoder();
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const kind = latin1.decode(bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (body.length < length || kind === "IEND") break;
    const end = body.indexOf(0);
    if (kind === "tEXt" && end > 0) texts.set(latin1.decode(body.subarray(0, end)), latin1.decode(body.subarray(end + 1)));
    if (kind === "iTXt" && end > 0 && body[end + 1] === 0) {
      const language = body.indexOf(0, end + 3);
      const translated = body.indexOf(0, language + 1);
      if (language > 0 && translated > 0)
        texts.set(latin1.decode(body.subarray(0, end)), utf8.decode(body.subarray(translated + 1)));
    }
    at += 12 + length;
  }
  return texts;
}
