import { IconPhoto } from "@tabler/icons-react";
import type { NodeSpec } from "../../core/catalogue";
import { literalOf, type NodeRecord } from "../../core/document";
import { fileOfValue } from "../../core/pictureRef";
import { type FileRef, keyOfFile, mediumOf } from "../../core/wire";
import { activeRun } from "../../store/store";
import { CompareSlider } from "../../ui/CompareSlider";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { Media } from "../../ui/Media";
import css from "./MediaRow.module.css";

const NONE: readonly FileRef[] = [];

/** The newest step preview, what the node made, or the chosen input picture. */
export function MediaRow({ id, spec, record }: { id: string; spec: NodeSpec; record: NodeRecord }) {
  const run = useEditorState((state) => activeRun(state).nodes[id]);
  const chosen = chosenPicture(spec, record);
  const images = run?.images.length ? run.images : chosen ? [chosen] : NONE;

  if (run?.preview)
    return (
      <div className={css.well} data-testid="preview">
        <img className={css.image} src={run.preview} alt={t("Preview of the running step")} draggable={false} />
      </div>
    );
  if (run?.comparison)
    return (
      <div className={css.well} data-widget data-testid="comparison">
        <CompareSlider {...run.comparison} />
      </div>
    );
  if (images.length > 0) return <Results files={images} />;
  if (run?.texts.length) return <Texts texts={run.texts} />;
  return (
    <div className={css.empty}>
      <IconPhoto size={22} stroke={1.4} aria-hidden="true" />
      <span>{t("The picture will appear here")}</span>
    </div>
  );
}

function Results({ files }: { files: readonly FileRef[] }) {
  const { editor } = useWorkbench();
  return (
    <div className={css.well} data-count={Math.min(files.length, 4)}>
      {files.map((file) =>
        mediumOf(file) === "picture" ? (
          <button
            key={keyOfFile(file)}
            type="button"
            className={css.open}
            data-widget
            aria-label={t("Show {name} large", { name: file.filename })}
            onClick={() => editor.patchView({ lightbox: file })}
          >
            <Media file={file} className={css.image} />
          </button>
        ) : (
          <div key={keyOfFile(file)} className={css.played} data-widget>
            <Media file={file} className={css.image} />
          </div>
        ),
      )}
    </div>
  );
}

/** Texts can be selected and scrolled. */
function Texts({ texts }: { texts: readonly string[] }) {
  return (
    <div className={css.texts} data-widget data-scrolls tabIndex={0} role="region" aria-label={t("Text result")}>
      {texts.map((text, index) => (
        <pre key={index}>{text}</pre>
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
