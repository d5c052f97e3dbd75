import { describe, expect, it } from "vitest";
import { decodeBinary, decodeText, shownIn } from "../../src/core/wire";

function framed(kind: number, second: number, ...parts: Uint8Array[]): ArrayBuffer {
  const body = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(8 + body);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, kind);
  view.setUint32(4, second);
  let at = 8;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes.buffer;
}
const encode = (text: string) => new TextEncoder().encode(text);

describe("a text message", () => {
  it("about a failure names node, cause and fix", () => {
    const data = { prompt_id: "j", node_id: "3", node_type: "KSampler", exception_message: "no memory\n", exception_type: "MemoryError", traceback: ["a"], fix: "Use a smaller picture." };

    expect(decodeText(JSON.stringify({ type: "execution_error", data }))).toEqual({
      kind: "failed",
      job: "j",
      failure: { node: "3", nodeType: "KSampler", message: "no memory", exception: "MemoryError", traceback: ["a"], fix: "Use a smaller picture." },
    });
  });

  it("of a kind that packs invented is passed on as such", () => {
    expect(decodeText('{"type":"pack.ping","data":{}}')).toEqual({ kind: "other", type: "pack.ping" });
  });

  it("that ends the execution has no node", () => {
    expect(decodeText('{"type":"executing","data":{"node":null,"prompt_id":"j"}}')).toEqual({ kind: "executing", job: "j", node: null });
  });
});

describe("a binary message", () => {
  it("of kind 1 is a picture of whatever runs", () => {
    const event = decodeBinary(framed(1, 2, new Uint8Array([1, 2, 3])));

    expect(event).toMatchObject({ kind: "preview", job: null, node: null });
    expect(event?.kind === "preview" && event.image.type).toBe("image/png");
    expect(event?.kind === "preview" && event.image.size).toBe(3);
  });

  it("of kind 4 names its node and job", () => {
    const meta = encode(JSON.stringify({ node_id: "12:3", display_node_id: "12", prompt_id: "j", image_type: "image/jpeg" }));
    const event = decodeBinary(framed(4, meta.length, meta, new Uint8Array(5)));

    expect(event).toMatchObject({ kind: "preview", job: "j", node: "12" });
  });

  it("of kind 3 is a text for a node", () => {
    expect(decodeBinary(framed(3, 2, encode("17hello")))).toEqual({ kind: "text", node: "17", text: "hello" });
  });

  it("of an unknown kind or too short is ignored", () => {
    expect(decodeBinary(framed(99, 0))).toBeNull();
    expect(decodeBinary(new ArrayBuffer(3))).toBeNull();
  });
});

describe("a result", () => {
  const file = (filename: string) => ({ filename, subfolder: "", type: "temp" as const });

  it("without pictures has none", () => {
    expect(shownIn({ text: ["a"] })).toEqual({ images: [], comparison: null, texts: ["a"] });
  });

  it("with two sides is a comparison", () => {
    const output = { a_images: [file("a.png"), file("a2.png")], b_images: [file("b.png")] };

    expect(shownIn(output)).toEqual({ images: [], comparison: { before: file("a.png"), after: file("b.png") }, texts: [] });
  });

  it("with one side of a comparison only shows that picture", () => {
    expect(shownIn({ a_images: [], b_images: [file("b.png")] }).images).toEqual([file("b.png")]);
  });
});
