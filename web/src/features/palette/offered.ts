import { useMemo } from "react";
import { isBoundary } from "../../core/boundary";
import type { Catalogue } from "../../core/catalogue";
import { containsDefinition } from "../../core/subgraph";
import { activeTab } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";

/** The node types that may be added where the person is: subgraphs too, except those that would contain themselves. */
export function useOfferedSpecs(): Catalogue {
  const { editor } = useWorkbench();
  const specs = useEditorState(() => editor.specs);
  const definitions = useEditorState((state) => activeTab(state).document.definitions);
  const inside = useEditorState((state) => activeTab(state).path.at(-1)?.definition);
  return useMemo(() => {
    const offered = Object.entries(specs).filter(
      ([id]) => !isBoundary(id) && !(inside !== undefined && definitions?.[id] && containsDefinition(definitions, id, inside)),
    );
    return Object.fromEntries(offered);
  }, [specs, definitions, inside]);
}
