/** Colours as nodes store them: a text `#rrggbb`, or a whole number 0xRRGGBB. */
import type { Json } from "./document";

const HEX = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i;

/** As `#rrggbb`; null when it is no colour. */
export function colourText(value: Json | undefined): string | null {
  if (typeof value === "number") return Number.isInteger(value) && value >= 0 && value <= 0xffffff ? `#${value.toString(16).padStart(6, "0")}` : null;
  const digits = typeof value === "string" ? HEX.exec(value.trim())?.[1] : undefined;
  if (digits === undefined) return null;
  const long = digits.length === 3 ? digits.replace(/./g, "$&$&") : digits;
  return `#${long.toLowerCase()}`;
}

/** A colour in the form that an input of this type stores. */
export function colourValue(text: string, type: string): Json {
  return type === "INT" ? Number.parseInt(text.slice(1), 16) : text;
}

/** What somebody typed: hexadecimal digits, or for numbers the number itself; null when it is no colour. */
export function typedColour(text: string, type: string): string | null {
  const plain = text.trim();
  const asNumber = type === "INT" && /^\d+$/.test(plain) && plain.length !== 6 ? colourText(Number(plain)) : null;
  return asNumber ?? colourText(plain);
}
