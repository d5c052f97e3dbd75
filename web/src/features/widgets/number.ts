/** Arithmetic of number controls. */
import type { InputSpec } from "../../core/catalogue";

export interface NumberRule {
  readonly whole: boolean;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly digits: number;
}

function digitsOf(step: number): number {
  const text = String(step);
  const exponent = /e-(\d+)$/.exec(text);
  if (exponent) return Math.min(8, Number(exponent[1]));
  return Math.min(8, text.split(".")[1]?.length ?? 0);
}

export function numberRule(input: InputSpec): NumberRule {
  const { options, type } = input;
  const whole = type === "INT";
  const number = (key: string, otherwise: number) => (typeof options[key] === "number" ? options[key] : otherwise);
  const step = number("step", whole ? 1 : 0.1) || 1;
  const round = number("round", step);
  return {
    whole,
    min: number("min", whole ? -Number.MAX_SAFE_INTEGER : -1e9),
    max: Math.min(number("max", whole ? Number.MAX_SAFE_INTEGER : 1e9), whole ? Number.MAX_SAFE_INTEGER : Infinity),
    step,
    digits: whole ? 0 : Math.max(digitsOf(step), digitsOf(round || step)),
  };
}

export function tidyNumber(value: number, rule: NumberRule): number {
  const rounded = rule.whole ? Math.round(value) : Number(value.toFixed(rule.digits));
  return Math.min(rule.max, Math.max(rule.min, rounded));
}

export function numberText(value: number, rule: NumberRule): string {
  if (rule.whole) return String(value);
  const short = Number(value.toFixed(rule.digits));
  return Number.isInteger(short) ? short.toFixed(1) : String(short);
}

/** What a typed text means: a number, or a small sum such as `512*2`; null when it means nothing. */
export function typedNumber(text: string): number | null {
  const trimmed = text.trim().replace(",", ".");
  const sum = /^(-?[\d.]+)\s*([-+*/])\s*(-?[\d.]+)$/.exec(trimmed);
  if (sum) {
    const a = Number(sum[1]);
    const b = Number(sum[3]);
    const result = sum[2] === "+" ? a + b : sum[2] === "-" ? a - b : sum[2] === "*" ? a * b : a / b;
    return Number.isFinite(result) ? result : null;
  }
  const value = Number(trimmed);
  return trimmed !== "" && Number.isFinite(value) ? value : null;
}
