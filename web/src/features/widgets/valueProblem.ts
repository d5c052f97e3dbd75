/** What is wrong with a value before anything is run: said at once, beside its control. */
import { type InputSpec, type WidgetKind } from "../../core/catalogue";
import { colourText } from "../../core/colour";
import { curvePoints } from "../../core/curve";
import { type Json, jsonText } from "../../core/document";
import { fileOfValue } from "../../core/pictureRef";
import { t } from "../../ui/i18n";
import { choicesOf } from "./ChoiceWidget";
import { numberRule } from "./number";

/** Null when the value may be run as it is. */
export function valueProblem(input: InputSpec, kind: WidgetKind, value: Json | undefined): string | null {
  if (value === undefined || value === null) return input.required && kind !== "extension" && kind !== "unknown" ? t("a value is needed") : null;
  switch (kind) {
    case "int":
    case "float":
    case "slider":
      return numberProblem(input, value);
    case "choice":
      return choiceProblem(input, value);
    case "upload":
      return isElsewhere(value) ? null : choiceProblem(input, value);
    case "toggle":
      return typeof value === "boolean" ? null : t("{value} is neither on nor off", { value: jsonText(value) });
    case "text":
    case "multiline":
      return typeof value === "object" ? t("{value} is not a text", { value: jsonText(value) }) : null;
    case "colour":
      return input.type === "COLOR" || colourText(value) !== null ? null : t("{value} is not a colour", { value: jsonText(value) });
    case "curve":
      return curvePoints(value) === null ? t("{value} is not a curve", { value: jsonText(value) }) : null;
    case "extension":
    case "unknown":
      return null;
  }
}

function numberProblem(input: InputSpec, value: Json): string | null {
  const rule = numberRule(input);
  if (typeof value !== "number" && typeof value !== "bigint") return t("{value} is not a number", { value: jsonText(value) });
  if (rule.whole && typeof value === "number" && !Number.isInteger(value)) return t("{value} is not a whole number", { value: jsonText(value) });
  return value < rule.min || value > rule.max ? t("{min} to {max}", { min: String(rule.min), max: String(rule.max) }) : null;
}

/** Choices name files of the input folder only; files of the others are looked for when they are run. */
function isElsewhere(value: Json): boolean {
  return typeof value === "string" && fileOfValue(value).type !== "input";
}

function choiceProblem(input: InputSpec, value: Json): string | null {
  if (value === "") return t("choose…");
  const choices = choicesOf(input.choices, input.options["options"]);
  return choices.includes(value) || choices.some((choice) => jsonText(choice) === jsonText(value)) ? null : t("{value} is not on this server", { value: jsonText(value) });
}
