/** The canvas: drawn ground and links, live nodes above, overlays for what is being dragged. */
import { useRef } from "react";
import { useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { toggleWaypoint } from "../../canvas/gestures/waypoint";
import css from "./CanvasView.module.css";
import { LinkOverlay } from "./LinkOverlay";
import { LassoOverlay, MarqueeOverlay } from "./MarqueeOverlay";
import { NodeLayer } from "./NodeLayer";
import { useCanvasEngine } from "./useCanvasEngine";
import { useGestures } from "./useGestures";

export function CanvasView() {
  const { editor } = useWorkbench();
  const root = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const world = useRef<HTMLDivElement>(null);
  useCanvasEngine(root, canvas, world);
  useGestures(root);

  const openPalette = (event: React.MouseEvent) => {
    if ((event.target as Element).closest("[data-widget],[data-node]")) return;
    const box = event.currentTarget.getBoundingClientRect();
    const screen = { x: event.clientX - box.left, y: event.clientY - box.top };
    const graph = editor.toGraph(screen);
    const hit = editor.scene.hit(graph, 8, editor.selection);
    if (toggleWaypoint(editor, hit, [graph.x, graph.y]) || hit.kind !== "void") return;
    editor.patchView({ palette: { screen, graph, drag: null } });
  };
  const openMenu = (event: React.MouseEvent) => {
    if ((event.target as Element).closest("[data-widget] input, [data-widget] textarea")) return;
    event.preventDefault();
    const box = event.currentTarget.getBoundingClientRect();
    const screen = { x: event.clientX - box.left, y: event.clientY - box.top };
    const graph = editor.toGraph(screen);
    const hit = editor.scene.hit(graph, 4, editor.selection);
    const node = "node" in hit ? hit.node.id : null;
    if (node !== null && !editor.selection.has(node)) editor.select([node]);
    editor.patchView({ menu: { screen, graph, node } });
  };

  return (
    <div
      ref={root}
      className={css.root}
      role="application"
      aria-label={t("Workflow canvas")}
      aria-describedby="canvas-help"
      data-testid="canvas"
      onDoubleClick={openPalette}
      onContextMenu={openMenu}
    >
      <canvas ref={canvas} className={css.canvas} aria-hidden="true" />
      <div ref={world} className={css.world}>
        <NodeLayer />
      </div>
      <LinkOverlay />
      <MarqueeOverlay />
      <LassoOverlay />
      <p id="canvas-help" className={css.help}>
        {t("Tab moves between nodes. The outline lists every node. Press slash to add a node.")}
      </p>
    </div>
  );
}
