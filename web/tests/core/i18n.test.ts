import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../src/commands/registry";
import german from "../../src/ui/de.json";

const GERMAN: Readonly<Record<string, string>> = german;
const SOURCE = join(import.meta.dirname, "../../src");

function sources(): string {
  const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file));
  return files.map((file) => readFileSync(join(SOURCE, file), "utf8")).join("\n");
}

/** Every text in the source that is shown through `t`. */
function shownTexts(): Set<string> {
  return new Set([...sources().matchAll(/\bt\("([^"]+)"/g)].map(([, text]) => text ?? ""));
}

describe("German", () => {
  it("has every text of the interface", () => {
    const needed = new Set([...shownTexts(), ...COMMANDS.map(({ label }) => label), ...COMMANDS.map(({ group }) => group)]);

    expect([...needed].filter((text) => !(text in GERMAN))).toEqual([]);
  });

  it("has no text that nobody shows", () => {
    const all = sources();

    expect(Object.keys(GERMAN).filter((text) => !all.includes(JSON.stringify(text)))).toEqual([]);
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
