import { IconPhoto } from "@tabler/icons-react";
import type { Shown } from "../../core/form";
import { keyOfFile, mediumOf } from "../../core/wire";
import { runInScope } from "../../store/runScope";
import type { NodeRun, State } from "../../store/state";
import { wholeRun } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { Media } from "../../ui/Media";
import css from "./form.module.css";

/** What the chosen nodes made, and the picture on its way there. */
export function FormResults({ outputs }: { outputs: readonly Shown[] }) {
  const preview = useEditorState((state) => Object.values(wholeRun(state).nodes).find((node) => node.state === "running" && node.preview !== null)?.preview ?? null);
  return (
    <section className={css.results} aria-label={t("Results")} aria-live="polite">
      {preview !== null && <img className={css.preview} src={preview} alt={t("Preview of the running step")} />}
      {outputs.map((output) => (
        <Result key={output.output.node} output={output} />
      ))}
    </section>
  );
}

/** The run of a node by its path id, an instance standing for all inside it. */
function runOf(state: State, pathId: string): NodeRun | undefined {
  const colon = pathId.lastIndexOf(":") + 1;
  return runInScope(wholeRun(state), pathId.slice(0, colon)).nodes[pathId.slice(colon)];
}

function Result({ output }: { output: Shown }) {
  const { editor } = useWorkbench();
  const run = useEditorState((state) => runOf(state, output.output.node));
  const images = run?.images ?? [];
  return (
    <figure className={css.result}>
      <figcaption>{output.title}</figcaption>
      {images.map((file) =>
        mediumOf(file) === "picture" ? (
          <button key={keyOfFile(file)} type="button" aria-label={t("Show {name} large", { name: file.filename })} onClick={() => editor.patchView({ lightbox: file })}>
            <Media file={file} />
          </button>
        ) : (
          <Media key={keyOfFile(file)} file={file} />
        ),
      )}
      {run?.texts.map((text, index) => <pre key={index}>{text}</pre>)}
      {images.length === 0 && !run?.texts.length && (
        <div className={css.none}>
          <IconPhoto size={28} stroke={1.3} aria-hidden="true" />
          <span>{t("The result will appear here")}</span>
        </div>
      )}
    </figure>
  );
}
