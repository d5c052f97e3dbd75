import { useEffect, useRef } from "react";
import { Minimap as Painted } from "../../canvas/minimap";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./Navigation.module.css";

const WIDTH = 184;
const HEIGHT = 116;

/** The whole graph in small; a drag moves the view. */
export function Minimap() {
  const { editor, engine } = useWorkbench();
  const shown = useEditorState((state) => state.view.minimap);
  const canvas = useRef<HTMLCanvasElement>(null);
  const map = useRef<Painted | null>(null);

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || !shown) return undefined;
    const minimap = new Painted(context, { width: WIDTH, height: HEIGHT }, window.devicePixelRatio || 1);
    map.current = minimap;
    const draw = () => {
      if (engine.theme) minimap.draw(editor.scene, editor.viewport, editor.size, engine.theme, editor.selection);
    };
    draw();
    return engine.onDraw(draw);
  }, [editor, engine, shown]);

  if (!shown) return null;
  const go = (event: React.PointerEvent<HTMLCanvasElement>) => {
    if (event.type === "pointermove" && event.buttons === 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const box = event.currentTarget.getBoundingClientRect();
    const at = map.current?.frame;
    if (!at) return;
    const x = (event.clientX - box.left - at.x) / at.k;
    const y = (event.clientY - box.top - at.y) / at.k;
    const { k } = editor.viewport;
    editor.patchView({ viewport: { k, x: editor.size.width / 2 - x * k, y: editor.size.height / 2 - y * k } });
  };
  return <canvas ref={canvas} className={css.minimap} aria-label={t("Minimap")} role="img" onPointerDown={go} onPointerMove={go} />;
}
