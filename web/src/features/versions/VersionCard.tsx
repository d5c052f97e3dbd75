import { IconTrash } from "@tabler/icons-react";
import { diffBetween } from "../../core/compare";
import type { Version } from "../../session/versions";
import { useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./versions.module.css";

function reasonOf(reason: Version["reason"]): string {
  switch (reason) {
    case "run":
      return t("before a run");
    case "saved":
      return t("saved as a file");
    case "named":
      return t("named");
    case "restored":
      return t("before an earlier version came back");
  }
}

function timeOf(at: number): string {
  return new Date(at).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
}

export function VersionCard({ version, onChanged }: { version: Version; onChanged: () => void }) {
  const { editor, session } = useWorkbench();
  const title = version.name ?? timeOf(version.at);
  const restore = () => {
    session.keepVersion("restored");
    editor.commitRoot(diffBetween(editor.root, version.document), "Restore version");
    editor.notify("info", t("Restored"), t("Undo brings back what was there before."));
    onChanged();
  };
  const compare = () => editor.patchView({ comparing: { before: { label: title, document: version.document }, after: { label: t("Now"), document: editor.root } } });
  const remove = () => void session.report(t("The version could not be removed"), () => session.versions.remove(version)).then(onChanged);
  const rename = (name: string) => void session.report(t("The version could not be renamed"), () => session.versions.rename(version, name)).then(onChanged);
  const nodes = Object.keys(version.document.nodes).length;
  return (
    <li className={css.card} data-named={version.name !== null || undefined}>
      <input key={version.name} className={css.name} aria-label={t("Name of the version")} defaultValue={version.name ?? ""} placeholder={timeOf(version.at)} onBlur={(event) => event.target.value.trim() !== (version.name ?? "") && rename(event.target.value)} />
      <small>
        {version.name !== null && `${timeOf(version.at)} · `}
        {reasonOf(version.reason)} · {nodes === 1 ? t("1 node") : t("{count} nodes", { count: nodes })}
      </small>
      <div className={css.actions}>
        <button type="button" aria-label={t("Restore {name}", { name: title })} onClick={restore}>
          {t("Restore")}
        </button>
        <button type="button" aria-label={t("Compare {name} with now", { name: title })} onClick={compare}>
          {t("Compare")}
        </button>
        <button type="button" className={css.icon} aria-label={t("Remove {name}", { name: title })} onClick={remove}>
          <IconTrash size={14} />
        </button>
      </div>
    </li>
  );
}
