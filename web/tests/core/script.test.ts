import fc from "fast-check";
import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import type { Json } from "../../src/core/document";
import { pythonLiteral, pythonScript } from "../../src/core/script";

const json = fc.jsonValue({ noUnicodeString: false, maxDepth: 3 }) as fc.Arbitrary<Json>;

function evaluated(literals: readonly string[]): unknown {
  const program = "import ast, json, sys\nprint(json.dumps([ast.literal_eval(each) for each in json.load(sys.stdin)]))";
  return JSON.parse(execFileSync("python3", ["-c", program], { input: JSON.stringify(literals), encoding: "utf8" }));
}

it("Python reads every literal as the value it was", () => {
  const values = fc.sample(json, 150);

  expect(evaluated(values.map((value) => pythonLiteral(value)))).toEqual(JSON.parse(JSON.stringify(values)));
});

it("the script is valid Python whatever the workflow is called", () => {
  const text = pythonScript('A "quoted"\\ name\n"""', { "3": { class_type: "K", inputs: { text: 'ä "x"\n' } } }, "http://127.0.0.1:8188");

  expect(() => execFileSync("python3", ["-c", "import sys; compile(sys.stdin.read(), 'x', 'exec')"], { input: text })).not.toThrow();
}, 30_000);
