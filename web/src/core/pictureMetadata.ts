/** What picture files carry besides the picture: reading the texts of a PNG, and taking everything of the kind out. */

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Chunks of a PNG that hold texts, times and camera data; the picture looks the same without them. */
const PNG_EXTRAS = new Set(["tEXt", "zTXt", "iTXt", "eXIf", "tIME"]);
const WEBP_EXTRAS = new Set(["EXIF", "XMP "]);

interface Part {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

function ascii(bytes: Uint8Array, start: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}
function isPng(bytes: Uint8Array): boolean {
  return PNG.every((byte, index) => bytes[index] === byte);
}
function isWebp(bytes: Uint8Array): boolean {
  return ascii(bytes, 0, 4) === "RIFF" && ascii(bytes, 8, 4) === "WEBP";
}
function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8;
}

function pngParts(bytes: Uint8Array): Part[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Part[] = [];
  for (let at = PNG.length; at + 12 <= bytes.length; ) {
    const end = at + 12 + view.getUint32(at);
    parts.push({ name: ascii(bytes, at + 4, 4), start: at, end });
    at = end;
  }
  return parts;
}

function webpParts(bytes: Uint8Array): Part[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Part[] = [];
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true);
    const end = at + 8 + size + (size % 2);
    parts.push({ name: ascii(bytes, at, 4), start: at, end });
    at = end;
  }
  return parts;
}

/** The segments before the pixels; comments and all application data but JFIF (0xE0) and colours (0xE2, 0xEE) are extras. */
function jpegParts(bytes: Uint8Array): Part[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Part[] = [];
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda) {
    const mark = bytes[at + 1] ?? 0;
    const extra = mark === 0xfe || (mark > 0xe0 && mark <= 0xef && mark !== 0xe2 && mark !== 0xee);
    const end = at + 2 + view.getUint16(at + 2);
    parts.push({ name: extra ? "extra" : "kept", start: at, end });
    at = end;
  }
  return [...parts, { name: "kept", start: at, end: bytes.length }];
}

function joined(bytes: Uint8Array, head: number, parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const size = parts.reduce((sum, part) => sum + Math.min(part.end, bytes.length) - part.start, head);
  const result = new Uint8Array(size);
  result.set(bytes.subarray(0, head));
  let at = head;
  for (const { start, end } of parts) {
    result.set(bytes.subarray(start, end), at);
    at += Math.min(end, bytes.length) - start;
  }
  return result;
}

/** The same picture without texts, camera data and workflow; null for a format that is not known here. */
export function withoutMetadata(bytes: Uint8Array): Uint8Array<ArrayBuffer> | null {
  if (isPng(bytes)) return joined(bytes, PNG.length, pngParts(bytes).filter(({ name }) => !PNG_EXTRAS.has(name)));
  if (isJpeg(bytes)) return joined(bytes, 2, jpegParts(bytes).filter(({ name }) => name !== "extra"));
  if (!isWebp(bytes)) return null;
  const result = joined(bytes, 12, webpParts(bytes).filter(({ name }) => !WEBP_EXTRAS.has(name)));
  const view = new DataView(result.buffer);
  view.setUint32(4, result.length - 8, true);
  // The header of an extended file says which extras follow: EXIF is bit 3, XMP bit 2.
  if (ascii(result, 12, 4) === "VP8X") view.setUint8(20, view.getUint8(20) & ~0b1100);
  return result;
}

/** The uncompressed texts of a PNG by their keywords; empty for other formats. */
export function textsOfPng(bytes: Uint8Array): Readonly<Record<string, string>> {
  if (!isPng(bytes)) return {};
  const texts: Record<string, string> = {};
  for (const { name, start, end } of pngParts(bytes)) {
    if (name !== "tEXt" && name !== "iTXt") continue;
    const data = bytes.subarray(start + 8, end - 4);
    const zero = data.indexOf(0);
    const keyword = ascii(data, 0, zero);
    if (name === "tEXt") texts[keyword] = new TextDecoder("latin1").decode(data.subarray(zero + 1));
    else if (data[zero + 1] === 0) texts[keyword] = international(data.subarray(zero + 3));
  }
  return texts;
}

/** Behind the language tag and the translated keyword, each ended by a zero. */
function international(data: Uint8Array): string {
  const language = data.indexOf(0);
  const translated = data.indexOf(0, language + 1);
  return new TextDecoder().decode(data.subarray(translated + 1));
}
