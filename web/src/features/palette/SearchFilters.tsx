import { useId, useMemo } from "react";
import type { Catalogue } from "../../core/catalogue";
import { type Filter, filterChoices, FILTERS, readQuery, withFilter } from "../../core/nodeQuery";
import { t } from "../../ui/i18n";
import css from "./palette.module.css";

interface Props {
  readonly specs: Catalogue;
  readonly query: string;
  readonly onQuery: (query: string) => void;
}

function nameOf(filter: Filter): string {
  switch (filter) {
    case "takes":
      return t("takes");
    case "gives":
      return t("gives");
    case "in":
      return t("category");
  }
}

/** Narrows a search by what nodes take, give and belong to; the same can be typed, `takes:IMAGE`. */
export function SearchFilters({ specs, query, onQuery }: Props) {
  const choices = useMemo(() => filterChoices(specs), [specs]);
  const { filters } = readQuery(query);
  return (
    <div className={css.filters} role="group" aria-label={t("Filters")}>
      {FILTERS.map((filter) => (
        <Choice key={filter} label={nameOf(filter)} value={filters[filter] ?? ""} choices={choices[filter]} onChange={(value) => onQuery(withFilter(query, filter, value))} />
      ))}
    </div>
  );
}

function Choice({ label, value, choices, onChange }: { label: string; value: string; choices: readonly string[]; onChange: (value: string) => void }) {
  const list = useId();
  return (
    <>
      <input
        list={list}
        aria-label={label}
        placeholder={label}
        spellCheck={false}
        data-set={value !== "" || undefined}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => (event.key === "ArrowDown" || event.key === "ArrowUp") && event.stopPropagation()}
      />
      <datalist id={list}>
        {choices.map((choice) => (
          <option key={choice} value={choice} />
        ))}
      </datalist>
    </>
  );
}
