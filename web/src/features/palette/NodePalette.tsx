/** Search and add a node. */
import { useEffect, useEffectEvent, useMemo, useState } from "react";
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
  const loading = useEditorState(({ catalogue }) => catalogue.state !== "ready" || catalogue.packs === "loading");
  const search = useSearch();
  const { query } = search;
  /** Enter was pressed while there was nothing to choose yet, after this was typed. */
  const [wanted, setWanted] = useState<string | null>(null);
  const waits = loading && wanted === query;
  const offers = useMemo(() => searchNodes(specs, query, request.drag, recentNodes()), [specs, query, request]);
  const close = () => editor.patchView({ palette: null });
  const choose = (index: number) => {
    const offer = offers[index];
    if (!offer) {
      setWanted(query);
      return;
    }
    rememberNode(offer.spec.id);
    close();
    addLinked(editor, offer.spec.id, request.graph, request.drag);
  };
  const addWanted = useEffectEvent(() => {
    if (wanted === query && offers.length > 0) choose(0);
  });
  useEffect(() => addWanted(), [offers]);
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
      nothing={nothingFound(loading, waits)}
      note={loading ? t("Packs are still loading; more nodes may follow.") : null}
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

function nothingFound(loading: boolean, waits: boolean): string {
  if (waits) return t("The first node that matches is added as soon as its pack has loaded.");
  return loading ? t("No node matches yet; packs are still loading.") : t("No node matches.");
}
