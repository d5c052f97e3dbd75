import { IconPhoto } from "@tabler/icons-react";
import type { NodeSpec } from "../../core/catalogue";
import { literalOf, type NodeRecord } from "../../core/document";
import { fileOfValue } from "../../core/pictureRef";
import { type FileRef, viewUrl } from "../../core/wire";
import { activeRun } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./MediaRow.module.css";

const NONE: readonly FileRef[] = [];

/** The newest step preview, the finished pictures, or the chosen input picture. */
export function MediaRow({ id, spec, record }: { id: string; spec: NodeSpec; record: NodeRecord }) {
  const { editor } = useWorkbench();
  const preview = useEditorState((state) => activeRun(state).nodes[id]?.preview ?? null);
  const images = useEditorState((state) => activeRun(state).nodes[id]?.images ?? NONE);
  const chosen = chosenPicture(spec, record);
  const shown = images.length > 0 ? images : chosen ? [chosen] : NONE;

  if (preview !== null)
    return (
      <div className={css.well} data-testid="preview">
        <img className={css.image} src={preview} alt={t("Preview of the running step")} draggable={false} />
      </div>
    );
  if (shown.length === 0)
    return (
      <div className={css.empty}>
        <IconPhoto size={22} stroke={1.4} aria-hidden="true" />
        <span>{t("The picture will appear here")}</span>
      </div>
    );
  return (
    <div className={css.well} data-count={Math.min(shown.length, 4)}>
      {shown.map((file) => (
        <button
          key={`${file.type}/${file.subfolder}/${file.filename}`}
          type="button"
          className={css.open}
          data-widget
          aria-label={t("Show {name} large", { name: file.filename })}
          onClick={() => editor.patchView({ lightbox: file })}
        >
          <img className={css.image} src={viewUrl(file)} alt={file.filename} draggable={false} data-testid="result" />
        </button>
      ))}
    </div>
  );
}

/** The input picture a loader has chosen. */
function chosenPicture(spec: NodeSpec, record: NodeRecord): FileRef | null {
  const input = spec.inputs.find((candidate) => candidate.options["image_upload"] === true);
  const value = input ? literalOf(record.inputs[input.name]) : null;
  return typeof value === "string" && value !== "" ? fileOfValue(value) : null;
}
