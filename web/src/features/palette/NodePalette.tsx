/** Search and add a node. */
import { useMemo } from "react";
import { addLinked } from "../../store/addLinked";
import type { PaletteRequest } from "../../store/state";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { NodeDetails } from "./NodeDetails";
import { Emphasis, PaletteShell } from "./PaletteShell";
import { useOfferedSpecs } from "./offered";
import css from "./palette.module.css";
import { recentNodes, rememberNode } from "./recent";
import { SearchFilters } from "./SearchFilters";
import { searchNodes } from "./search";
import { useSearch } from "./useSearch";

export function NodePalette() {
  const request = useEditorState((state) => state.view.palette);
  return request && <OpenPalette request={request} />;
}

function OpenPalette({ request }: { request: PaletteRequest }) {
  const { editor } = useWorkbench();
  const specs = useOfferedSpecs();
  const loading = useEditorState((state) => state.catalogue.state !== "ready");
  const search = useSearch();
  const { query } = search;
  const offers = useMemo(() => searchNodes(specs, query, request.drag, recentNodes()), [specs, query, request]);
  const close = () => editor.patchView({ palette: null });
  const choose = (index: number) => {
    const offer = offers[index];
    if (!offer) return;
    rememberNode(offer.spec.id);
    close();
    addLinked(editor, offer.spec.id, request.graph, request.drag);
  };
  const shown = offers[search.at]?.spec;
  return (
    <PaletteShell
      label={request.drag ? t("Add a node for {type}", { type: request.drag.type }) : t("Add a node")}
      {...search}
      filters={<SearchFilters specs={specs} query={query} onQuery={search.onQuery} />}
      count={offers.length}
      onChoose={choose}
      onClose={close}
      screen={request.screen}
      aside={shown && <NodeDetails spec={shown} />}
      nothing={loading ? t("The catalogue is still loading.") : t("No node matches.")}
    >
      {(index) => {
        const offer = offers[index];
        if (!offer) return null;
        return (
          <>
            <Emphasis text={offer.spec.display_name} at={offer.at} />
            {offer.spec.deprecated && <span className={css.tag}>{t("deprecated")}</span>}
            <span className={css.hint}>{offer.spec.category}</span>
          </>
        );
      }}
    </PaletteShell>
  );
}
