/** Arithmetic of number controls. Whole numbers beyond 2^53 are bigints, so that no digit of a seed is lost. */
import type { InputSpec } from "../../core/catalogue";
import { normalWhole } from "../../core/json";

export type NumberValue = number | bigint;
export interface NumberRule {
  readonly whole: boolean;
  readonly min: NumberValue;
  readonly max: NumberValue;
  readonly step: number;
  readonly digits: number;
}

function digitsOf(step: number): number {
  const text = String(step);
  const exponent = /e-(\d+)$/.exec(text);
  if (exponent) return Math.min(8, Number(exponent[1]));
  return Math.min(8, text.split(".")[1]?.length ?? 0);
}

const MOST_WHOLE = 2n ** 64n - 1n;

export function numberRule(input: InputSpec): NumberRule {
  const { options, type } = input;
  const whole = type === "INT";
  const limit = (key: string, otherwise: NumberValue): NumberValue => {
    const given = options[key];
    return typeof given === "number" || typeof given === "bigint" ? given : otherwise;
  };
  const step = Number(limit("step", whole ? 1 : 0.1)) || 1;
  const round = Number(limit("round", step));
  return {
    whole,
    min: limit("min", whole ? -(2n ** 63n) : -1e9),
    max: limit("max", whole ? MOST_WHOLE : 1e9),
    step,
    digits: whole ? 0 : Math.max(digitsOf(step), digitsOf(round || step)),
  };
}

export function tidyNumber(value: NumberValue, rule: NumberRule): NumberValue {
  const rounded = typeof value === "bigint" ? value : rule.whole ? Math.round(value) : Number(value.toFixed(rule.digits));
  if (rounded < rule.min) return rule.min;
  return rounded > rule.max ? rule.max : rounded;
}

/** The value some steps further. */
export function stepped(value: NumberValue, steps: number, rule: NumberRule): NumberValue {
  if (!rule.whole) return tidyNumber(Number(value) + steps * rule.step, rule);
  const whole = typeof value === "bigint" ? value : BigInt(Math.round(value));
  return tidyNumber(normalWhole(whole + BigInt(Math.round(steps * rule.step))), rule);
}

export function numberText(value: NumberValue, rule: NumberRule): string {
  if (rule.whole || typeof value === "bigint") return String(value);
  const short = Number(value.toFixed(rule.digits));
  return Number.isInteger(short) ? short.toFixed(1) : String(short);
}

/** What a typed text means: a number, or a small sum such as `512*2`; null when it means nothing. */
export function typedNumber(text: string): NumberValue | null {
  const trimmed = text.trim().replace(",", ".");
  if (/^-?\d{16,}$/.test(trimmed)) return normalWhole(BigInt(trimmed));
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
