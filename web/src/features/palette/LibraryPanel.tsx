import { useMemo, useState } from "react";
import type { NodeSpec } from "../../core/catalogue";
import { addLinked } from "../../store/addLinked";
import { useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { useOfferedSpecs } from "./offered";
import css from "./library.module.css";
import { rememberNode } from "./recent";
import { SearchFilters } from "./SearchFilters";
import { searchNodes } from "./search";

/** Every node by category, and the way to the templates. */
export function LibraryPanel() {
  const { editor } = useWorkbench();
  const specs = useOfferedSpecs();
  const [query, setQuery] = useState("");
  const groups = useMemo(() => {
    const shown = query ? searchNodes(specs, query, null, []).map(({ spec }) => spec) : Object.values(specs);
    return grouped(shown);
  }, [specs, query]);
  return (
    <>
      <button type="button" className={css.templates} onClick={() => editor.patchView({ templatesOpen: true })}>
        {t("Templates")}
      </button>
      <input className={css.search} type="search" placeholder={t("Search nodes")} aria-label={t("Search nodes")} value={query} onChange={(event) => setQuery(event.target.value)} />
      <SearchFilters specs={specs} query={query} onQuery={setQuery} />
      {groups.map(([category, members]) => (
        <details key={category} className={css.group} open={query !== ""}>
          <summary>
            {category} <small>{members.length}</small>
          </summary>
          {members.map((spec) => (
            <LibraryNode key={spec.id} spec={spec} />
          ))}
        </details>
      ))}
    </>
  );
}

function grouped(specs: readonly NodeSpec[]): [string, NodeSpec[]][] {
  const groups = new Map<string, NodeSpec[]>();
  for (const spec of specs) {
    const list = groups.get(spec.category);
    if (list) list.push(spec);
    else groups.set(spec.category, [spec]);
  }
  return [...groups].sort(([a], [b]) => a.localeCompare(b));
}

/** A click adds the node to the middle; a drag adds it where it is dropped. */
function LibraryNode({ spec }: { spec: NodeSpec }) {
  const { editor } = useWorkbench();
  const add = () => {
    rememberNode(spec.id);
    const centre = editor.centre();
    addLinked(editor, spec.id, { x: centre.x - 110, y: centre.y - 60 }, null);
  };
  return (
    <button type="button" className={css.node} title={spec.description} draggable onDragStart={(event) => event.dataTransfer.setData("application/x-heddle-node", spec.id)} onClick={add}>
      {spec.display_name}
    </button>
  );
}
