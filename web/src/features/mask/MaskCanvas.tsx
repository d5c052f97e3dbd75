import { useEffect, useRef, useState } from "react";
import type { Point } from "../../core/geometry";
import type { Mask } from "../../core/mask";
import { type FileRef, viewUrl } from "../../core/wire";
import { t } from "../../ui/i18n";
import type { Tool } from "./MaskTools";
import css from "./mask.module.css";

interface Props {
  readonly file: FileRef;
  readonly mask: Mask;
  readonly tool: Tool;
  readonly radius: number;
  readonly version: number;
  readonly onChanged: () => void;
}
/** The mask over the picture: a pink that few pictures are full of, as blue, green and red bytes. */
const COLOUR = 0xc800e6;
const SEEN = 0.6;

function draw(canvas: HTMLCanvasElement, mask: Mask): void {
  const picture = new ImageData(mask.width, mask.height);
  const words = new Uint32Array(picture.data.buffer);
  const { values } = mask;
  for (let at = 0; at < words.length; at += 1) words[at] = (Math.round((values[at] ?? 0) * SEEN) << 24) | COLOUR;
  canvas.getContext("2d")?.putImageData(picture, 0, 0);
}

/** The picture with its mask; painted with pointer, pen or finger, or with the keyboard. */
export function MaskCanvas({ file, mask, tool, radius, version, onChanged }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const last = useRef<Point | null>(null);
  const frame = useRef(0);
  const [cursor, setCursor] = useState<Point>({ x: mask.width / 2, y: mask.height / 2 });
  const value = tool === "eraser" ? 0 : 255;

  useEffect(() => {
    if (canvas.current) draw(canvas.current, mask);
  }, [mask, version]);
  useEffect(() => () => cancelAnimationFrame(frame.current), []);

  const at = (event: React.PointerEvent): Point => {
    const box = event.currentTarget.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * mask.width, y: ((event.clientY - box.top) / box.height) * mask.height };
  };
  const begin = (point: Point) => {
    mask.remember();
    if (tool === "fill") mask.fill(point, mask.values[Math.floor(point.y) * mask.width + Math.floor(point.x)] === 255 ? 0 : 255);
    else mask.stroke(point, point, radius, value);
  };
  const onPointerDown = (event: React.PointerEvent) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const point = at(event);
    begin(point);
    last.current = tool === "fill" ? null : point;
    onChanged();
  };
  const onPointerMove = (event: React.PointerEvent) => {
    const point = at(event);
    setCursor(point);
    if (!last.current) return;
    mask.stroke(last.current, point, radius, value);
    last.current = point;
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => canvas.current && draw(canvas.current, mask));
  };
  const end = () => {
    if (last.current) onChanged();
    last.current = null;
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const by = event.shiftKey ? 1 : Math.max(1, radius / 2);
    const dx = event.key === "ArrowLeft" ? -by : event.key === "ArrowRight" ? by : 0;
    const dy = event.key === "ArrowUp" ? -by : event.key === "ArrowDown" ? by : 0;
    if (event.key === " ") {
      begin(cursor);
      onChanged();
    } else if (dx !== 0 || dy !== 0) setCursor({ x: Math.min(mask.width - 1, Math.max(0, cursor.x + dx)), y: Math.min(mask.height - 1, Math.max(0, cursor.y + dy)) });
    else return;
    event.preventDefault();
  };
  const ring = { left: `${(100 * cursor.x) / mask.width}%`, top: `${(100 * cursor.y) / mask.height}%`, width: `${(200 * radius) / mask.width}%`, height: `${(200 * radius) / mask.height}%` };
  return (
    <div className={css.stage}>
      <div className={css.picture} style={{ aspectRatio: `${mask.width} / ${mask.height}`, "--shape": mask.width / mask.height } as React.CSSProperties}>
        <img src={`${viewUrl(file)}&channel=rgb`} alt={file.filename} draggable={false} />
        <canvas
          ref={canvas}
          width={mask.width}
          height={mask.height}
          tabIndex={0}
          role="application"
          aria-label={t("Painting area")}
          onKeyDown={onKeyDown}
          onPointerDown={onPointerDown}
          onPointerMove={onPointerMove}
          onPointerUp={end}
          onPointerCancel={end}
        />
        {tool !== "fill" && <i className={css.ring} style={ring} aria-hidden="true" />}
      </div>
    </div>
  );
}
