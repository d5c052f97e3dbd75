import { useMemo } from "react";
import { outputKeys, visibleInputs } from "../../core/catalogue";
import { compareIds, isLink, jsonText, literalOf, type NodeRecord } from "../../core/document";
import { activeDocument, activeRun } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./outline.module.css";

/** Every node with its sockets and problems, visible or not, for keyboards and screen readers. */
export function OutlinePanel() {
  const nodes = useEditorState((state) => activeDocument(state).nodes);
  const ids = useMemo(() => Object.keys(nodes).sort(compareIds), [nodes]);
  if (ids.length === 0) return <p className={css.empty}>{t("This workflow has no nodes yet.")}</p>;
  return (
    <ul className={css.list}>
      {ids.map((id) => {
        const record = nodes[id];
        return record && <OutlineNode key={id} id={id} record={record} />;
      })}
    </ul>
  );
}

function OutlineNode({ id, record }: { id: string; record: NodeRecord }) {
  const { editor } = useWorkbench();
  const selected = useEditorState((state) => state.view.selection.has(id));
  const problems = useEditorState((state) => activeRun(state).problems.filter((problem) => problem.node === id).length);
  const spec = editor.specs[record.type];
  const go = () => {
    editor.select([id]);
    editor.fit(new Set([id]));
  };
  return (
    <li>
      <button type="button" className={css.node} aria-pressed={selected} onClick={go}>
        <span>{record.title ?? spec?.display_name ?? record.type}</span>
        <small>
          {record.type} · {id}
        </small>
        {problems > 0 && <em>{problems === 1 ? t("1 problem") : t("{count} problems", { count: problems })}</em>}
      </button>
      {selected && spec && (
        <ul className={css.sockets}>
          {visibleInputs(spec).map((input) => (
            <li key={input.name}>
              <button type="button" onClick={() => editor.patchView({ connecting: { from: null, to: { node: id, input: input.name }, type: input.type } })}>
                {t("in")} <b>{input.name}</b> <small>{described(editor.document.nodes, record, input.name)}</small>
              </button>
            </li>
          ))}
          {outputKeys(spec).map((key, index) => (
            <li key={key}>
              <button type="button" onClick={() => editor.patchView({ connecting: { from: { node: id, output: key }, to: null, type: spec.outputs[index]?.type ?? "*" } })}>
                {t("out")} <b>{key}</b>
              </button>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

function described(nodes: Readonly<Record<string, NodeRecord>>, record: NodeRecord, input: string): string {
  const value = record.inputs[input];
  if (isLink(value)) {
    const source = nodes[value.link[0]];
    return `← ${source?.title ?? source?.type ?? value.link[0]} · ${value.link[1]}`;
  }
  const literal = literalOf(value);
  return literal === undefined ? t("not linked") : jsonText(literal).slice(0, 60);
}
