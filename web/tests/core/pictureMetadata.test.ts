import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { textsOfPng, withoutMetadata } from "../../src/core/pictureMetadata";

const bytes = (...parts: (string | number[] | Uint8Array)[]) => new Uint8Array(Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part)))));
const u32 = (value: number, little = false) => {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value, little);
  return new Uint8Array(view.buffer);
};
const chunk = (name: string, data: Uint8Array | string) => bytes(u32(data.length), name, data, [0, 0, 0, 0]);
const png = (...chunks: Uint8Array[]) => bytes([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], ...chunks);
const head = chunk("IHDR", new Uint8Array(13));
const pixels = chunk("IDAT", deflateSync(Buffer.from([0, 1, 2, 3])));
const end = chunk("IEND", "");

describe("a PNG", () => {
  it("gives its texts", () => {
    const file = png(head, chunk("tEXt", "prompt\0{\"1\": {}}"), chunk("iTXt", bytes("note\0", [0, 0], "en\0Notiz\0", Buffer.from("grün"))), pixels, end);

    expect(textsOfPng(file)).toEqual({ prompt: '{"1": {}}', note: "grün" });
  });

  it("loses texts and camera data, and nothing else", () => {
    const file = png(head, chunk("tEXt", "workflow\0{}"), chunk("eXIf", "MM"), pixels, end);

    expect(withoutMetadata(file)).toEqual(png(head, pixels, end));
  });
});

it("a JPEG loses EXIF and comments, but not its colour profile", () => {
  const segment = (mark: number, data: string) => bytes([0xff, mark, 0, data.length + 2], data);
  const scan = bytes([0xff, 0xda, 0, 2], "pixels", [0xff, 0xd9]);
  const jfif = segment(0xe0, "JFIF");
  const colours = segment(0xe2, "ICC");

  const file = bytes([0xff, 0xd8], jfif, segment(0xe1, "Exif"), colours, segment(0xfe, "by me"), scan);

  expect(withoutMetadata(file)).toEqual(bytes([0xff, 0xd8], jfif, colours, scan));
});

it("a WebP loses EXIF and XMP, says so in its header, and has the right length", () => {
  const part = (name: string, data: Uint8Array) => bytes(name, u32(data.length, true), data, new Uint8Array(data.length % 2));
  const webp = (flags: number, ...parts: Uint8Array[]) => {
    const body = bytes("WEBP", part("VP8X", new Uint8Array([flags, 0, 0, 0, 0, 0, 0, 0, 0, 0])), ...parts);
    return bytes("RIFF", u32(body.length, true), body);
  };
  const picture = part("VP8 ", new Uint8Array([1, 2, 3]));

  const file = webp(0b11100, picture, part("EXIF", new Uint8Array([9])), part("XMP ", new Uint8Array([9, 9])));

  expect(withoutMetadata(file)).toEqual(webp(0b10000, picture));
});

it("another format is refused rather than passed on as clean", () => {
  expect(withoutMetadata(bytes("GIF89a"))).toBeNull();
  expect(textsOfPng(bytes("GIF89a"))).toEqual({});
});
