import { expect, it } from "vitest";
import { mediaIn, mediumOf } from "../../src/core/wire";

const file = (filename: string) => ({ filename, subfolder: "", type: "output" as const });

it("files are found under every key that packs use, and told apart by their names", () => {
  const found = mediaIn({ images: [file("a.png")], gifs: [file("b.MP4")], audio: [file("c.flac")], text: ["no file"] });

  expect(found.map((each) => [each.filename, mediumOf(each)])).toEqual([
    ["a.png", "picture"],
    ["b.MP4", "film"],
    ["c.flac", "sound"],
  ]);
});
