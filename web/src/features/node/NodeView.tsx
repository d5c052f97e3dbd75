/** One live node. */
import { memo, useLayoutEffect, useRef } from "react";
import { activeDocument, activeRun } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { FaceRows } from "./FaceRows";
import { NodeHeader } from "./NodeHeader";
import { NodeProblems } from "./NodeProblems";
import css from "./NodeView.module.css";
import { useFace } from "./useFace";

export const NodeView = memo(function NodeView({ id }: { id: string }) {
  const { editor, engine } = useWorkbench();
  const element = useRef<HTMLElement>(null);
  const face = useFace(id);
  const record = useEditorState((state) => activeDocument(state).nodes[id]);
  const place = useEditorState((state) => activeDocument(state).layout.nodes[id]);
  const selected = useEditorState((state) => state.view.selection.has(id));
  const state = useEditorState((all) => activeRun(all).nodes[id]?.state ?? "none");
  const failing = useEditorState((all) => activeRun(all).problems.some((problem) => problem.node === id));

  useLayoutEffect(() => (element.current ? engine.bind(id, element.current) : undefined), [engine, id]);

  const node = editor.scene.nodes.get(id);
  if (!face || !record || !node) return null;
  const title = record.title ?? node.spec.display_name;
  return (
    <article
      ref={element}
      className={css.node}
      data-node={id}
      data-testid={`node-${id}`}
      data-selected={selected || undefined}
      data-state={state}
      data-failing={failing || undefined}
      data-mode={record.mode}
      data-unknown={!node.known || undefined}
      aria-label={`${title}, ${node.spec.display_name}${failing ? `, ${t("has problems")}` : ""}`}
      tabIndex={0}
      onFocus={(event) => {
        if (event.target === event.currentTarget && !selected) editor.select([id]);
      }}
      style={{ width: face.w, height: face.h, ...(place?.background ? { background: place.background } : {}) }}
    >
      <NodeHeader id={id} title={title} colour={place?.color} collapsed={place?.collapsed === true} />
      <FaceRows id={id} node={node} face={face} record={record} collapsed={place?.collapsed === true} />
      <NodeProblems id={id} known={node.known} type={record.type} />
      <span className={css.corner} aria-hidden="true" />
    </article>
  );
});
