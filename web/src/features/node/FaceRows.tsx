import type { Face, FaceRow } from "../../canvas/face";
import type { SceneNode } from "../../canvas/scene";
import { visibleInputs } from "../../core/catalogue";
import { isLink, jsonText, literalOf, type NodeRecord } from "../../core/document";
import { isPlainSocket, toggleSocket } from "../../core/plainSockets";
import { MediaRow } from "./MediaRow";
import css from "./FaceRows.module.css";
import { InputSocket, OutputSocket } from "./Socket";
import { inputEdit } from "../../store/inputEdit";
import { useWorkbench } from "../../ui/context";
import { Widget } from "../widgets/Widget";
import { useInputProblem } from "./useInputProblem";

interface Props {
  readonly id: string;
  readonly node: SceneNode;
  readonly face: Face;
  readonly record: NodeRecord;
  readonly collapsed: boolean;
}

export function FaceRows({ id, node, face, record, collapsed }: Props) {
  if (collapsed) return <CollapsedSockets id={id} node={node} />;
  return face.rows.map((row) => <Row key={keyOf(row)} id={id} row={row} record={record} node={node} />);
}

function keyOf(row: FaceRow): string {
  switch (row.kind) {
    case "sockets":
      return `s ${row.input?.name ?? ""} ${row.output?.key ?? ""}`;
    case "widget":
      return `w ${row.input.name}`;
    case "media":
      return "media";
  }
}

function Row({ id, row, record, node }: { id: string; row: FaceRow; record: NodeRecord; node: SceneNode }) {
  const name = row.kind === "media" ? null : (row.input?.name ?? null);
  const { editor } = useWorkbench();
  const problem = useInputProblem(id, name);
  const style = { top: row.y, height: row.h };
  switch (row.kind) {
    case "sockets":
      return (
        <div className={css.row} style={style} data-problem={problem ?? undefined}>
          {row.input && <InputSocket node={id} input={row.input} linked={isLink(record.inputs[row.input.name])} labelled />}
          {row.output && <OutputSocket node={id} output={row.output} />}
        </div>
      );
    case "widget": {
      const linked = isLink(record.inputs[row.input.name]);
      const plain = !linked && isPlainSocket(node.place, row.input.name);
      const onKeyDown = (event: React.KeyboardEvent) => {
        if (!event.altKey || event.code !== "KeyS") return;
        event.preventDefault();
        event.stopPropagation();
        editor.commit(toggleSocket(editor.document, editor.specs, id, row.input.name), "Socket or control");
      };
      return (
        <div className={css.row} style={style} data-problem={problem ?? undefined} onKeyDown={onKeyDown}>
          {row.input.options["socketless"] !== true && <InputSocket node={id} input={row.input} linked={linked} labelled={linked || plain} />}
          {plain && <span className={css.held}>{jsonText(literalOf(record.inputs[row.input.name]) ?? row.input.default ?? "")}</span>}
          {!linked && !plain && <Widget edit={inputEdit(editor, editor.path, id, row.input.name)} record={record} input={row.input} kind={row.widget} problem={problem} />}
          {row.grows && <span className={css.edge} aria-hidden="true" />}
        </div>
      );
    }
    case "media":
      return (
        <div className={css.row} style={style}>
          <MediaRow id={id} spec={node.spec} record={record} />
          <span className={css.edge} aria-hidden="true" />
        </div>
      );
  }
}

/** A collapsed node shows one dot on each side; every link ends there. */
function CollapsedSockets({ id, node }: { id: string; node: SceneNode }) {
  const input = visibleInputs(node.spec)[0];
  const output = node.spec.outputs[0];
  return (
    <div className={css.collapsed}>
      {input && <InputSocket node={id} input={input} linked labelled={false} />}
      {output && <OutputSocket node={id} output={{ key: output.name, type: output.type, label: "" }} />}
    </div>
  );
}
