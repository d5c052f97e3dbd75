/** A mask that is painted: one byte a pixel, 0 open and 255 masked. Every change can be undone. */
import type { Point } from "./geometry";

const REMEMBERED = 24;

export class Mask {
  private pixels: Uint8Array<ArrayBuffer>;
  private readonly past: Uint8Array<ArrayBuffer>[] = [];

  constructor(
    readonly width: number,
    readonly height: number,
    start?: Uint8Array<ArrayBuffer>,
  ) {
    this.pixels = start ?? new Uint8Array(width * height);
  }

  get values(): Readonly<Uint8Array<ArrayBuffer>> {
    return this.pixels;
  }
  get canUndo(): boolean {
    return this.past.length > 0;
  }

  /** Remembers the mask as it is; called before each change that is to be one step of undo. */
  remember(): void {
    this.past.push(this.pixels.slice());
    if (this.past.length > REMEMBERED) this.past.shift();
  }

  undo(): void {
    const before = this.past.pop();
    if (before) this.pixels = before;
  }

  /** A round brush from one point to another, with a soft rim of one pixel. */
  stroke(from: Point, to: Point, radius: number, value: 0 | 255): void {
    const left = Math.max(0, Math.floor(Math.min(from.x, to.x) - radius - 1));
    const right = Math.min(this.width - 1, Math.ceil(Math.max(from.x, to.x) + radius + 1));
    const top = Math.max(0, Math.floor(Math.min(from.y, to.y) - radius - 1));
    const bottom = Math.min(this.height - 1, Math.ceil(Math.max(from.y, to.y) + radius + 1));
    for (let y = top; y <= bottom; y += 1)
      for (let x = left; x <= right; x += 1) {
        const cover = Math.min(1, Math.max(0, radius + 0.5 - distance({ x: x + 0.5, y: y + 0.5 }, from, to)));
        if (cover === 0) continue;
        const at = y * this.width + x;
        const now = this.pixels[at] ?? 0;
        this.pixels[at] = value === 255 ? Math.max(now, Math.round(255 * cover)) : Math.min(now, Math.round(255 * (1 - cover)));
      }
  }

  /** Fills the area around a point as far as the mask there is all open, or all masked. */
  fill({ x, y }: Point, value: 0 | 255): void {
    const { width, height, pixels } = this;
    const start = Math.floor(y) * width + Math.floor(x);
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    const masked = (at: number) => (pixels[at] ?? 0) >= 128;
    const inside = masked(start);
    const seen = new Uint8Array(pixels.length);
    const waiting = [start];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      if (seen[at] === 1 || masked(at) !== inside) continue;
      seen[at] = 1;
      const column = at % width;
      if (column > 0) waiting.push(at - 1);
      if (column < width - 1) waiting.push(at + 1);
      if (at >= width) waiting.push(at - width);
      if (at < pixels.length - width) waiting.push(at + width);
    }
    for (let at = 0; at < seen.length; at += 1) if (seen[at] === 1) pixels[at] = value;
  }

  invert(): void {
    this.pixels = this.pixels.map((value) => 255 - value);
  }

  clear(): void {
    this.pixels.fill(0);
  }

  /** Softens every edge over about `radius` pixels on each side. */
  feather(radius: number): void {
    const size = Math.max(1, Math.round(radius / 2));
    for (let pass = 0; pass < 2; pass += 1) {
      this.pixels = averaged(this.pixels, this.width, this.height, size, 1, this.width);
      this.pixels = averaged(this.pixels, this.height, this.width, size, this.width, 1);
    }
  }
}

function distance(point: Point, from: Point, to: Point): number {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = dx * dx + dy * dy;
  const share = length === 0 ? 0 : Math.min(1, Math.max(0, ((point.x - from.x) * dx + (point.y - from.y) * dy) / length));
  return Math.hypot(point.x - from.x - share * dx, point.y - from.y - share * dy);
}

/** Mean of `2 * radius + 1` values along one direction; values beyond the ends count as those at the ends. */
function averaged(pixels: Uint8Array, along: number, lines: number, radius: number, step: number, stride: number): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(pixels.length);
  for (let line = 0; line < lines; line += 1) {
    const value = (index: number) => pixels[line * stride + Math.min(along - 1, Math.max(0, index)) * step] ?? 0;
    let sum = 0;
    for (let index = -radius; index <= radius; index += 1) sum += value(index);
    for (let index = 0; index < along; index += 1) {
      result[line * stride + index * step] = Math.round(sum / (2 * radius + 1));
      sum += value(index + radius + 1) - value(index - radius);
    }
  }
  return result;
}
