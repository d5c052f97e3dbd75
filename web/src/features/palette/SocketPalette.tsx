import { findInput, labelOf } from "../../core/catalogue";
import { jsonText, literalOf } from "../../core/document";
import { fuzzyMatch } from "../../core/fuzzy";
import { type Shape, shapesOf, toggleSocket } from "../../core/plainSockets";
import { activeDocument } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./palette.module.css";
import { Emphasis, PaletteShell } from "./PaletteShell";
import { useSearch } from "./useSearch";

/** The values of one node: each becomes a socket, or a control again. */
export function SocketPalette() {
  const node = useEditorState((state) => state.view.choosingSockets);
  return node !== null && <OpenSockets node={node} />;
}

function meaning(shape: Shape): string {
  switch (shape) {
    case "control":
      return t("becomes a socket");
    case "socket":
      return t("becomes a control again");
    case "linked":
      return t("loses its link and becomes a control again");
  }
}

function OpenSockets({ node }: { node: string }) {
  const { editor } = useWorkbench();
  const document = useEditorState(activeDocument);
  const search = useSearch();
  const record = document.nodes[node];
  const spec = editor.specs[record?.type ?? ""];
  const found = shapesOf(document, editor.specs, node).flatMap((entry) => {
    const input = findInput(spec, entry.input);
    const label = input ? labelOf(input) : entry.input;
    const match = fuzzyMatch(search.query, label);
    const value = literalOf(record?.inputs[entry.input]) ?? input?.default;
    return match ? [{ ...entry, label, at: match.at, value: value === undefined ? "" : jsonText(value).slice(0, 24) }] : [];
  });
  const close = () => editor.patchView({ choosingSockets: null });
  return (
    <PaletteShell
      label={t("Turn a value into a socket, or back")}
      {...search}
      count={found.length}
      onChoose={(index) => {
        const entry = found[index];
        close();
        if (entry) editor.commit(toggleSocket(editor.document, editor.specs, node, entry.input), "Socket or control");
      }}
      onClose={close}
      nothing={t("No value of this node matches.")}
    >
      {(index) => {
        const entry = found[index];
        if (!entry) return null;
        return (
          <>
            <Emphasis text={entry.label} at={entry.at} />
            <span>{entry.value}</span>
            <span className={css.hint}>{meaning(entry.shape)}</span>
          </>
        );
      }}
    </PaletteShell>
  );
}
