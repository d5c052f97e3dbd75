import type { Difference, Mark } from "../../core/compare";
import { useEditorState } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./comparison.module.css";

function markName(mark: Mark): string {
  switch (mark) {
    case "added":
      return t("added");
    case "removed":
      return t("removed");
    case "changed":
      return t("changed");
    case "moved":
      return t("moved");
  }
}

/** Every difference in words; one in a node shows that node in the picture. */
export function DifferenceList({ differences, onShow }: { differences: readonly Difference[]; onShow: (node: string) => void }) {
  const specs = useEditorState((state) => state.catalogue.specs);
  if (differences.length === 0) return <p className={css.same}>{t("Both are the same.")}</p>;
  return (
    <ol className={css.list} aria-label={t("Differences")}>
      {differences.map((difference, index) => (
        <li key={index}>
          <button type="button" disabled={difference.node === null || difference.inside !== null} onClick={() => difference.node !== null && onShow(difference.node)}>
            <span className={css.mark} data-mark={difference.mark}>
              {markName(difference.mark)}
            </span>
            <b>
              {difference.inside !== null && `${difference.inside} › `}
              {specs[difference.title]?.display_name ?? difference.title}
            </b>
            {difference.part !== null && <code>{difference.part}</code>}
            {difference.before !== null && <del>{difference.before}</del>}
            {difference.after !== null && <ins>{difference.after}</ins>}
          </button>
        </li>
      ))}
    </ol>
  );
}
