import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { keyOfFile } from "../../core/wire";
import { useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { Thumbnail } from "../../ui/Media";
import css from "./gallery.module.css";
import { type Search, useResults } from "./useResults";

const NO_SEARCH: Search = { text: "", from: "", to: "" };

/** All pictures that this server made and still lists, newest first. */
export function GalleryPanel() {
  const { editor } = useWorkbench();
  const [search, setSearch] = useState(NO_SEARCH);
  const { results, more } = useResults(search);
  const searching = search.text !== "" || search.from !== "" || search.to !== "";
  const shelf = (results ?? []).map(({ file }) => file);
  return (
    <>
      <SearchFields search={search} onChange={setSearch} />
      {results?.length === 0 && <p className={css.empty}>{searching ? t("No picture was found.") : t("Finished pictures appear here.")}</p>}
      <div className={css.grid}>
        {results?.map(({ file, job, name, created }) => (
          <button
            key={`${job} ${keyOfFile(file)}`}
            type="button"
            className={css.tile}
            title={`${name}\n${new Date(created).toLocaleString(document.documentElement.lang)}`}
            aria-label={t("Show {name} large", { name: file.filename })}
            onClick={() => editor.patchView({ lightbox: file, shelf })}
          >
            <Thumbnail file={file} alt={file.filename} />
          </button>
        ))}
      </div>
      {more && (
        <button type="button" className={css.more} onClick={more}>
          {t("Show more")}
        </button>
      )}
    </>
  );
}

function SearchFields({ search, onChange }: { search: Search; onChange: (next: Search) => void }) {
  const day = (key: "from" | "to", label: string) => (
    <label className={css.day}>
      {label}
      <input type="date" value={search[key]} onChange={(event) => onChange({ ...search, [key]: event.target.value })} />
    </label>
  );
  return (
    <search className={css.search}>
      <label className={css.words}>
        <IconSearch size={15} aria-hidden="true" />
        <input
          type="search"
          value={search.text}
          aria-label={t("Search pictures")}
          placeholder={t("Prompt, node, model or workflow")}
          onChange={(event) => onChange({ ...search, text: event.target.value })}
        />
      </label>
      {day("from", t("From"))}
      {day("to", t("To"))}
    </search>
  );
}
