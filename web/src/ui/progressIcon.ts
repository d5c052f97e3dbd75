/** The window's icon while a job runs: a ring that fills. The colours suit light and dark window frames. */
const RADIUS = 12;
const AROUND = 2 * Math.PI * RADIUS;

export function iconAt(share: number): string {
  const ring = (color: string, length: number) =>
    `<circle cx="16" cy="16" r="${RADIUS}" fill="none" stroke="${color}" stroke-width="7" stroke-dasharray="${length.toFixed(1)} ${AROUND.toFixed(1)}" transform="rotate(-90 16 16)"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${ring("#9aa5a8", AROUND)}${ring("#0d8a7f", AROUND * Math.min(1, Math.max(0, share)))}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
