import { IconArrowDown, IconArrowUp, IconTrash } from "@tabler/icons-react";
import { moved, withoutBlanks } from "../../core/form";
import field from "../../ui/field.module.css";
import { t } from "../../ui/i18n";
import css from "./builder.module.css";

interface Entry {
  readonly node: string;
  readonly input?: string;
  readonly label?: string;
  readonly help?: string;
}
interface Props<T extends Entry> {
  readonly title: string;
  readonly entries: readonly T[];
  /** What an entry is called when nobody has named it; null when it is gone from the workflow. */
  readonly named: (entry: T) => string | null;
  readonly onChange: (entries: readonly T[]) => void;
  readonly withHelp?: boolean;
}

/** Chosen inputs or outputs: their labels, their order, and taking one out. */
export function FormEntries<T extends Entry>({ title, entries, named, onChange, withHelp = false }: Props<T>) {
  const edit = (index: number, part: Partial<Entry>) => onChange(entries.map((entry, at) => (at === index ? withoutBlanks({ ...entry, ...part }) : entry)));
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      {entries.length === 0 && <p className={css.none}>{t("Nothing yet: choose below.")}</p>}
      <ol className={css.entries}>
        {entries.map((entry, index) => {
          const name = named(entry);
          const shown = entry.label ?? name ?? entry.input ?? entry.node;
          return (
            <li key={`${entry.node} ${entry.input ?? ""}`}>
              <div className={css.entry}>
                <input className={field.field} aria-label={t("Label of {name}", { name: shown })} value={entry.label ?? ""} placeholder={name ?? entry.input ?? entry.node} onChange={(event) => edit(index, { label: event.target.value })} />
                <button type="button" aria-label={t("Move {name} up", { name: shown })} disabled={index === 0} onClick={() => onChange(moved(entries, index, index - 1))}>
                  <IconArrowUp size={14} />
                </button>
                <button type="button" aria-label={t("Move {name} down", { name: shown })} disabled={index === entries.length - 1} onClick={() => onChange(moved(entries, index, index + 1))}>
                  <IconArrowDown size={14} />
                </button>
                <button type="button" aria-label={t("Remove {name}", { name: shown })} onClick={() => onChange(entries.filter((_, at) => at !== index))}>
                  <IconTrash size={14} />
                </button>
              </div>
              {name === null && <p className={css.lost}>{t("Gone from the workflow, or fed by a link: the form leaves it out.")}</p>}
              {withHelp && <input className={`${field.field} ${css.help ?? ""}`} aria-label={t("Help for {name}", { name: shown })} placeholder={t("Help text")} value={entry.help ?? ""} onChange={(event) => edit(index, { help: event.target.value })} />}
            </li>
          );
        })}
      </ol>
    </section>
  );
}
