import { useCallback, useEffect, useState } from "react";
import type { Version } from "../../session/versions";
import { activeTab } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { CompareWith } from "./CompareWith";
import { VersionCard } from "./VersionCard";
import css from "./versions.module.css";

/** What this workflow was before: at each run, each saved file, and whenever somebody named a version. */
export function VersionsPanel() {
  const { editor, session } = useWorkbench();
  const lineage = useEditorState((state) => activeTab(state).lineage);
  const runs = useEditorState((state) => state.jobs.runs);
  const [versions, setVersions] = useState<readonly Version[]>([]);
  const [name, setName] = useState("");
  const load = useCallback(() => session.report(t("The versions could not be read"), () => session.versions.list(lineage)).then((found) => setVersions(found ?? [])), [session, lineage]);
  useEffect(() => void load(), [load, runs]);
  const keep = (event: React.SubmitEvent) => {
    event.preventDefault();
    const wanted = name.trim();
    if (wanted === "") return;
    void session.report(t("The version could not be kept"), () => session.versions.keep(lineage, editor.root, "named", wanted)).then(() => {
      setName("");
      return load();
    });
  };
  return (
    <>
      <form className={css.keep} onSubmit={keep}>
        <input value={name} placeholder={t("Name this version")} aria-label={t("Name this version")} onChange={(event) => setName(event.target.value)} />
        <button type="submit" disabled={name.trim() === ""}>
          {t("Keep")}
        </button>
      </form>
      <CompareWith />
      {versions.length === 0 && <p className={css.empty}>{t("No versions yet. One is kept at each run and each saved file, in this browser.")}</p>}
      <ol className={css.list} aria-label={t("Versions")}>
        {versions.map((version) => (
          <VersionCard key={version.id} version={version} onChanged={() => void load()} />
        ))}
      </ol>
    </>
  );
}
