import { expect, it } from "vitest";
import type { InputSpec } from "../../src/core/catalogue";
import { widgetKind } from "../../src/core/catalogue";
import type { Json } from "../../src/core/document";
import { valueProblem } from "../../src/features/widgets/valueProblem";

function input(type: string, options: Record<string, Json> = {}, choices: Json[] | null = null): InputSpec {
  return { name: "x", type, required: true, hidden: null, widget: true, options, choices };
}
const told = (spec: InputSpec, value: Json | undefined) => valueProblem(spec, widgetKind(spec), value);

it.each<[string, InputSpec, Json | undefined, string | null]>([
  ["a number in range", input("INT", { min: 1, max: 9 }), 9, null],
  ["a number out of range", input("INT", { min: 1, max: 9 }), 10, "1 to 9"],
  ["the largest seed", input("INT", { min: 0, max: 2n ** 64n - 1n }), 2n ** 64n - 1n, null],
  ["a fraction where whole numbers go", input("INT"), 1.5, "1.5 is not a whole number"],
  ["a text where a number goes", input("FLOAT"), "many", "many is not a number"],
  ["a slider out of range", input("FLOAT", { display: "slider", min: 0, max: 1 }), 2, "0 to 1"],
  ["a choice", input("COMBO", {}, ["a", "b"]), "b", null],
  ["a choice that is gone", input("COMBO", {}, ["a", "b"]), "c", "c is not on this server"],
  ["no choice", input("COMBO", {}, ["a"]), "", "choose…"],
  ["a number for a switch", input("BOOLEAN"), 1, "1 is neither on nor off"],
  ["a list for a text", input("STRING"), [1], "[1] is not a text"],
  ["an empty text", input("STRING", { multiline: true }), "", null],
  ["a colour", input("INT", { display: "color" }), 0xff0000, null],
  ["no colour", input("INT", { display: "color" }), -1, "-1 is not a colour"],
  ["a curve", input("CURVE"), [[0, 0], [1, 1]], null],
  ["half a curve", input("CURVE"), [[0, 0]], "[[0,0]] is not a curve"],
  ["nothing", input("INT"), undefined, "a value is needed"],
  ["nothing for a pack's control", { ...input("PACK"), control: { id: "p", height: 32 } }, undefined, null],
])("%s is told right", (_, spec, value, expected) => {
  expect(told(spec, value)).toBe(expected);
});
