import { IconX } from "@tabler/icons-react";
import { useMemo, useRef } from "react";
import type { ComparisonCanvas } from "../../canvas/comparison";
import { compare } from "../../core/compare";
import type { State } from "../../store/state";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { useModal } from "../../ui/useModal";
import { DifferenceList } from "./DifferenceList";
import { useComparisonCanvas } from "./useComparisonCanvas";
import css from "./comparison.module.css";

export function ComparisonView() {
  const comparing = useEditorState((state) => state.view.comparing);
  return comparing && <OpenComparison {...comparing} />;
}

/** Two documents in one picture, with every difference listed beside it. */
function OpenComparison({ before, after }: NonNullable<State["view"]["comparing"]>) {
  const { editor } = useWorkbench();
  const dialog = useModal<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const comparison = useMemo(() => compare(before.document, after.document), [before, after]);
  const painted: { readonly current: ComparisonCanvas | null } = useComparisonCanvas(canvas, comparison);
  const close = () => editor.patchView({ comparing: null });
  return (
    <div ref={dialog} className={css.dialog} role="dialog" aria-modal="true" aria-label={t("Comparison")} tabIndex={-1} onKeyDown={(event) => event.key === "Escape" && close()}>
      <header className={css.head}>
        <h2>
          {before.label} <span aria-label={t("compared with")}>→</span> {after.label}
        </h2>
        <button type="button" onClick={() => painted.current?.show(null)}>
          {t("Fit to window")}
        </button>
        <button type="button" aria-label={t("Close")} onClick={close}>
          <IconX size={17} />
        </button>
      </header>
      <canvas ref={canvas} className={css.canvas} role="img" aria-label={t("Both workflows in one picture; the list beside it says the same in words.")} />
      <DifferenceList differences={comparison.differences} onShow={(node) => painted.current?.show(node)} />
    </div>
  );
}
