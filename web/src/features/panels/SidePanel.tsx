import { IconX } from "@tabler/icons-react";
import type { LoadedPanel, PanelName, State } from "../../store/state";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { FormBuilder } from "../form/FormBuilder";
import { GalleryPanel } from "../gallery/GalleryPanel";
import { PackPanel } from "./PackPanel";
import { NodeHelp } from "../node/NodeHelp";
import { OutlinePanel } from "../outline/OutlinePanel";
import { LibraryPanel } from "../palette/LibraryPanel";
import { JobsPanel } from "../queue/JobsPanel";
import { SubgraphPanel } from "../subgraph/SubgraphPanel";
import { VersionsPanel } from "../versions/VersionsPanel";
import css from "./panels.module.css";

type Shown = NonNullable<State["view"]["panel"]>;

function isPackPanel(panel: Shown): panel is LoadedPanel["name"] {
  return panel.startsWith("pack:");
}

function titleOf(panel: PanelName): string {
  switch (panel) {
    case "jobs":
      return t("Jobs");
    case "gallery":
      return t("Pictures");
    case "outline":
      return t("Outline");
    case "help":
      return t("Help on the node");
    case "versions":
      return t("Versions");
    case "form":
      return t("Form");
    case "subgraph":
      return t("Subgraph");
    case "library":
      return t("Nodes and templates");
  }
}

function Content({ panel }: { panel: PanelName }) {
  switch (panel) {
    case "jobs":
      return <JobsPanel />;
    case "gallery":
      return <GalleryPanel />;
    case "outline":
      return <OutlinePanel />;
    case "help":
      return <NodeHelp />;
    case "versions":
      return <VersionsPanel />;
    case "form":
      return <FormBuilder />;
    case "subgraph":
      return <SubgraphPanel />;
    case "library":
      return <LibraryPanel />;
  }
}

export function SidePanel() {
  const { editor } = useWorkbench();
  const panel = useEditorState((state) => state.view.panel);
  const brought = useEditorState((state) => state.extensions.panels.find(({ name }) => name === panel));
  if (panel === null || (isPackPanel(panel) && !brought)) return null;
  const title = isPackPanel(panel) ? (brought?.panel.title ?? "") : titleOf(panel);
  return (
    <aside className={css.panel} aria-label={title}>
      <header className={css.head}>
        <h2>{title}</h2>
        <button type="button" aria-label={t("Close panel")} onClick={() => editor.patchView({ panel: null })}>
          <IconX size={16} />
        </button>
      </header>
      <div className={css.body} tabIndex={0}>
        {isPackPanel(panel) ? brought && <PackPanel key={panel} loaded={brought} /> : <Content panel={panel} />}
      </div>
    </aside>
  );
}
