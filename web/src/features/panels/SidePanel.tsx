import { IconX } from "@tabler/icons-react";
import type { PanelName } from "../../store/state";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { FormBuilder } from "../form/FormBuilder";
import { GalleryPanel } from "../gallery/GalleryPanel";
import { OutlinePanel } from "../outline/OutlinePanel";
import { LibraryPanel } from "../palette/LibraryPanel";
import { JobsPanel } from "../queue/JobsPanel";
import { SubgraphPanel } from "../subgraph/SubgraphPanel";
import { VersionsPanel } from "../versions/VersionsPanel";
import css from "./panels.module.css";

function titleOf(panel: PanelName): string {
  switch (panel) {
    case "jobs":
      return t("Jobs");
    case "gallery":
      return t("Pictures");
    case "outline":
      return t("Outline");
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
  if (panel === null) return null;
  return (
    <aside className={css.panel} aria-label={titleOf(panel)}>
      <header className={css.head}>
        <h2>{titleOf(panel)}</h2>
        <button type="button" aria-label={t("Close panel")} onClick={() => editor.patchView({ panel: null })}>
          <IconX size={16} />
        </button>
      </header>
      <div className={css.body}>
        <Content panel={panel} />
      </div>
    </aside>
  );
}
