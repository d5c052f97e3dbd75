/** One hue per socket type: chosen for the common ones, derived from the name for the rest. */

const KNOWN: Readonly<Record<string, number>> = {
  MODEL: 295,
  CLIP: 88,
  VAE: 22,
  CONDITIONING: 55,
  LATENT: 340,
  IMAGE: 250,
  MASK: 150,
  CONTROL_NET: 190,
  CLIP_VISION: 110,
  STYLE_MODEL: 125,
  UPSCALE_MODEL: 275,
  SIGMAS: 170,
  SAMPLER: 205,
  GUIDER: 225,
  NOISE: 310,
  AUDIO: 5,
  VIDEO: 265,
};
const PLAIN = new Set(["INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "*", ""]);

function hashHue(type: string): number {
  let hash = 7;
  for (const letter of type) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 100_003;
  return hash % 360;
}

/** `hue` in degrees and `chroma` of OKLCH; lightness belongs to the theme. */
export function socketHue(type: string): { readonly hue: number; readonly chroma: number } {
  const first = type.split(",")[0]?.trim() ?? "";
  if (PLAIN.has(first)) return { hue: first === "STRING" ? 100 : 220, chroma: 0.02 };
  return { hue: KNOWN[first] ?? hashHue(first), chroma: 0.14 };
}

export function socketColor(type: string, lightness: number | "var(--socket-l)"): string {
  const { hue, chroma } = socketHue(type);
  return `oklch(${lightness} ${chroma} ${hue})`;
}
