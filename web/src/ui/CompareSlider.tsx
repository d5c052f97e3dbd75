import { useState } from "react";
import { type FileRef, viewUrl } from "../core/wire";
import { t } from "./i18n";
import css from "./CompareSlider.module.css";

/** Two pictures on top of each other with a border that is dragged, or moved by arrow keys. */
export function CompareSlider({ before, after }: { before: FileRef; after: FileRef }) {
  const [at, setAt] = useState(50);
  return (
    <div className={css.compare} style={{ "--at": `${at}%` } as React.CSSProperties}>
      <img src={viewUrl(after)} alt={after.filename} draggable={false} />
      <img className={css.before} src={viewUrl(before)} alt={before.filename} draggable={false} />
      <i className={css.border} aria-hidden="true" />
      <input type="range" min={0} max={100} step={1} value={at} aria-label={t("Border between the pictures")} onChange={(event) => setAt(event.target.valueAsNumber)} />
    </div>
  );
}
