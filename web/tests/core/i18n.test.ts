import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../src/commands/registry";
import { GERMAN as GERMAN_PARTS } from "../../src/ui/de";
import { GERMAN_WORK } from "../../src/ui/deWork";

const GERMAN: Readonly<Record<string, string>> = { ...GERMAN_PARTS, ...GERMAN_WORK };
const SOURCE = join(import.meta.dirname, "../../src");

/** Every text in the source that is shown through `t`. */
function shownTexts(): Set<string> {
  const texts = new Set<string>();
  for (const file of readdirSync(SOURCE, { recursive: true, encoding: "utf8" })) {
    if (!/\.tsx?$/.test(file)) continue;
    for (const [, text] of readFileSync(join(SOURCE, file), "utf8").matchAll(/\bt\("([^"]+)"/g)) texts.add(text ?? "");
  }
  return texts;
}

describe("German", () => {
  it("has every text of the interface", () => {
    const needed = new Set([...shownTexts(), ...COMMANDS.map(({ label }) => label), ...COMMANDS.map(({ group }) => group)]);

    expect([...needed].filter((text) => !(text in GERMAN))).toEqual([]);
  });

  it("keeps every placeholder", () => {
    const holes = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([hole]) => hole).sort();

    for (const [english, german] of Object.entries(GERMAN)) expect(holes(german), english).toEqual(holes(english));
  });
});

describe("commands", () => {
  it("have ids and keys of their own", () => {
    const ids = COMMANDS.map(({ id }) => id);
    const keys = COMMANDS.flatMap((command) => command.keys ?? []);

    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
