import { FILE_TYPES, OPEN_FIELD } from "../../commands/workflow";
import { useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";

/** The field behind "Open file…". */
export function OpenField() {
  const { session } = useWorkbench();
  return (
    <input
      id={OPEN_FIELD}
      type="file"
      hidden
      multiple
      accept={FILE_TYPES}
      aria-label={t("Open file…")}
      onChange={(event) => {
        for (const file of event.target.files ?? []) void session.openFile(file);
        event.target.value = "";
      }}
    />
  );
}
