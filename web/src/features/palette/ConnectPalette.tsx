import { useMemo } from "react";
import { labelOf, outputKeys, visibleInputs } from "../../core/catalogue";
import { fuzzyMatch } from "../../core/fuzzy";
import { connect, type InputEnd, mayConnect, type OutputEnd } from "../../core/links";
import type { Editor } from "../../store/editor";
import type { LooseEnd } from "../../store/state";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./palette.module.css";
import { Emphasis, PaletteShell } from "./PaletteShell";
import { useSearch } from "./useSearch";

interface Choice {
  readonly from: OutputEnd;
  readonly to: InputEnd;
  readonly label: string;
  readonly hint: string;
}

/** Every link that the rules allow from or to this socket. */
function choicesFor(editor: Editor, loose: LooseEnd): Choice[] {
  const choices: Choice[] = [];
  const offer = (from: OutputEnd, to: InputEnd, label: string, hint: string) => {
    if (mayConnect(editor.document, editor.specs, from, to).ok) choices.push({ from, to, label, hint });
  };
  for (const node of editor.scene.nodes.values()) {
    const title = node.record.title ?? node.spec.display_name;
    const { from, to } = loose;
    if (from)
      for (const input of visibleInputs(node.spec)) offer(from, { node: node.id, input: input.name }, `${title} · ${labelOf(input)}`, input.type);
    if (to)
      outputKeys(node.spec).forEach((output, index) =>
        offer({ node: node.id, output }, to, `${title} · ${output}`, node.spec.outputs[index]?.type ?? ""),
      );
  }
  return choices;
}

/** Connecting without a pointer: the other end is chosen from a list. */
export function ConnectPalette() {
  const loose = useEditorState((state) => state.view.connecting);
  return loose && <OpenConnect loose={loose} />;
}

function OpenConnect({ loose }: { loose: LooseEnd }) {
  const { editor } = useWorkbench();
  const search = useSearch();
  const all = useMemo(() => choicesFor(editor, loose), [editor, loose]);
  const found = all.flatMap((choice) => {
    const match = fuzzyMatch(search.query, choice.label);
    return match ? [{ ...choice, at: match.at }] : [];
  });
  const close = () => editor.patchView({ connecting: null });
  return (
    <PaletteShell
      label={loose.from ? t("Link {name} to…", { name: loose.from.output }) : t("Link {name} from…", { name: loose.to?.input ?? "" })}
      {...search}
      count={found.length}
      onChoose={(index) => {
        const choice = found[index];
        close();
        if (choice) editor.commit(connect(editor.document, editor.specs, choice.from, choice.to), "Connect");
      }}
      onClose={close}
      nothing={t("No socket of this workflow fits.")}
    >
      {(index) => {
        const choice = found[index];
        if (!choice) return null;
        return (
          <>
            <Emphasis text={choice.label} at={choice.at} />
            <span className={css.hint}>{choice.hint}</span>
          </>
        );
      }}
    </PaletteShell>
  );
}
