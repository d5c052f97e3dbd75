import { IconAlertTriangle } from "@tabler/icons-react";
import { useMemo } from "react";
import { type Missing, missingIn } from "../../core/missing";
import { activeTab } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { Popup } from "../../ui/Popup";
import { sizeText } from "../../ui/size";
import css from "./missing.module.css";

const MOST_SHOWN = 20;

/** Before a run: what the workflow needs and this server lacks. */
export function MissingNotice() {
  const document = useEditorState((state) => activeTab(state).document);
  const specs = useEditorState((state) => state.catalogue.specs);
  const ready = useEditorState((state) => state.catalogue.state === "ready" && state.catalogue.packs === "loaded");
  const { nodes, definitions, meta } = document;
  const missing = useMemo(
    () => (ready ? missingIn({ nodes, ...(definitions ? { definitions } : {}), ...(meta === undefined ? {} : { meta }) }, specs) : []),
    [ready, nodes, definitions, meta, specs],
  );
  if (missing.length === 0) return null;
  const label = missing.length === 1 ? t("1 thing is missing") : t("{count} things are missing", { count: missing.length });
  return (
    <Popup
      width={340}
      position="bottom-end"
      target={(press) => (
        <button type="button" className={css.mark} title={label} onClick={press}>
          <IconAlertTriangle size={14} aria-hidden="true" /> <span>{label}</span>
        </button>
      )}
    >
      <ul className={css.list} aria-label={label}>
        {missing.slice(0, MOST_SHOWN).map((each, index) => (
          <Entry key={index} missing={each} />
        ))}
      </ul>
    </Popup>
  );
}

function Entry({ missing }: { missing: Missing }) {
  const { editor } = useWorkbench();
  const show = () => {
    editor.leaveTo(0);
    editor.select([missing.node]);
    editor.fit(new Set([missing.node]));
  };
  return (
    <li>
      {missing.kind === "model" ? (
        <>
          <b>{missing.name}</b>
          {missing.size !== null && <span className={css.size}> {sizeText(missing.size)}</span>}
          <p>{t("Put this file into the folder models/{folder}, or choose another one.", { folder: missing.folder })}</p>
          {missing.url !== null && <p>{t("The workflow names this source: {url}", { url: missing.url })}</p>}
        </>
      ) : (
        <>
          <b>{missing.type}</b>
          <p>{missing.pack === null ? t("No installed pack has this node type, and the workflow names none.") : t("Install the pack {pack} to get this node type.", { pack: missing.pack })}</p>
        </>
      )}
      <button type="button" onClick={show}>
        {t("Show the node")}
      </button>
    </li>
  );
}
