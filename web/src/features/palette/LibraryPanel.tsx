import { useEffect, useMemo, useState } from "react";
import { api, ApiError } from "../../api/client";
import type { TemplateItem } from "../../api/schema";
import type { NodeSpec } from "../../core/catalogue";
import { parseDocument } from "../../core/parse";
import { addLinked } from "../../store/addLinked";
import { useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { useOfferedSpecs } from "./offered";
import css from "./library.module.css";
import { rememberNode } from "./recent";
import { searchNodes } from "./search";

/** Templates, and every node by category. */
export function LibraryPanel() {
  const specs = useOfferedSpecs();
  const [query, setQuery] = useState("");
  const groups = useMemo(() => {
    const shown = query ? searchNodes(specs, query, null, []).map(({ spec }) => spec) : Object.values(specs);
    return grouped(shown);
  }, [specs, query]);
  return (
    <>
      <Templates />
      <input className={css.search} type="search" placeholder={t("Search nodes")} aria-label={t("Search nodes")} value={query} onChange={(event) => setQuery(event.target.value)} />
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

function Templates() {
  const { session } = useWorkbench();
  const [templates, setTemplates] = useState<readonly TemplateItem[]>([]);
  useEffect(() => {
    api.templates().then(setTemplates, (error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
      setTemplates([]);
    });
  }, []);
  if (templates.length === 0) return null;
  const open = (template: TemplateItem) =>
    void session.report(t("The template could not be opened"), async () => session.openDocument(parseDocument(await api.template(template.id))));
  return (
    <section className={css.templates} aria-label={t("Templates")}>
      {templates.map((template) => (
        <button key={template.id} type="button" className={css.template} onClick={() => open(template)}>
          {template.picture && <img src={template.picture} alt="" />}
          <b>{template.name}</b>
          <small>{template.description}</small>
        </button>
      ))}
    </section>
  );
}
