/** The graph as a PNG picture, drawn by the painter that draws the canvas. */
import { paint } from "./painter";
import type { Scene } from "./scene";
import { pictureBox } from "./svg";
import type { Theme } from "./theme";

/** Browsers refuse larger canvases. */
const LARGEST_SIDE = 8192;
const PLAIN = { selected: false, state: "none", progress: 0, image: null } as const;

/** Throws Error when the browser cannot make the picture. */
export function toPng(scene: Scene, theme: Theme): Promise<Blob> {
  const box = pictureBox(scene);
  const k = Math.min(2, LARGEST_SIDE / Math.max(box.w, box.h));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(box.w * k);
  canvas.height = Math.round(box.h * k);
  const context = canvas.getContext("2d", { alpha: false });
  if (!context) throw new Error("The browser gives no canvas to draw on.");
  const view = { x: -box.x * k, y: -box.y * k, k };
  paint(context, { scene, view, width: canvas.width, height: canvas.height, ratio: 1, theme, isLive: () => false, stateOf: () => PLAIN, selection: new Set(), dimmed: false });
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture is too large for this browser."))), "image/png");
  });
}
