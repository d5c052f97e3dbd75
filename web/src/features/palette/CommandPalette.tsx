import { useMemo } from "react";
import { keyLabel } from "../../commands/command";
import { keysOf } from "../../commands/bindings";
import { allCommands, isEnabled } from "../../commands/registry";
import { fuzzyMatch } from "../../core/fuzzy";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./palette.module.css";
import { Emphasis, PaletteShell } from "./PaletteShell";
import { useSearch } from "./useSearch";

/** Every command with its key. */
export function CommandPalette() {
  const open = useEditorState((state) => state.view.commandsOpen);
  return open && <OpenCommands />;
}

function OpenCommands() {
  const workbench = useWorkbench();
  const settings = useEditorState((state) => state.settings);
  const search = useSearch();
  const found = useMemo(() => {
    const scored = allCommands(workbench.editor).filter((command) => isEnabled(command, workbench)).flatMap((command) => {
      const match = fuzzyMatch(search.query, t(command.label));
      return match ? [{ command, match }] : [];
    });
    return search.query === "" ? scored : scored.sort((a, b) => b.match.score - a.match.score);
  }, [search.query, workbench]);
  const close = () => workbench.editor.patchView({ commandsOpen: false });
  return (
    <PaletteShell
      label={t("Run a command")}
      {...search}
      count={found.length}
      onChoose={(index) => {
        close();
        void found[index]?.command.run(workbench);
      }}
      onClose={close}
      nothing={t("No command matches.")}
    >
      {(index) => {
        const entry = found[index];
        if (!entry) return null;
        return (
          <>
            <Emphasis text={t(entry.command.label)} at={entry.match.at} />
            <span className={css.hint}>{t(entry.command.group)}</span>
            {keysOf(entry.command, settings)[0] && <kbd>{keyLabel(keysOf(entry.command, settings)[0] ?? "")}</kbd>}
          </>
        );
      }}
    </PaletteShell>
  );
}
