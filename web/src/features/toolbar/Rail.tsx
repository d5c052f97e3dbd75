import { IconForms, IconListTree, IconPhoto, IconPlug, IconPlus, IconPuzzle, IconStack2, IconTimelineEvent } from "@tabler/icons-react";
import { Tooltip } from "@mantine/core";
import type { ReactNode } from "react";
import { runCommand } from "../../commands/registry";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { useKeyOf } from "../../ui/useKeyOf";
import css from "./toolbar.module.css";

/** The tools at the side of the canvas. */
export function Rail() {
  const remaining = useEditorState((state) => state.jobs.remaining);
  return (
    <nav className={css.rail} aria-label={t("Tools")}>
      <RailButton id="edit.add" icon={<IconPlus size={19} />} label={t("Add a node")} />
      <RailButton id="view.library" icon={<IconPuzzle size={18} stroke={1.7} />} label={t("Nodes and templates")} panel="library" />
      <RailButton id="view.outline" icon={<IconListTree size={18} stroke={1.7} />} label={t("Outline")} panel="outline" />
      <RailButton id="view.jobs" icon={<IconStack2 size={18} stroke={1.7} />} label={t("Jobs")} panel="jobs" badge={remaining} />
      <RailButton id="view.gallery" icon={<IconPhoto size={18} stroke={1.7} />} label={t("Pictures")} panel="gallery" />
      <PackPanels />
      <RailButton id="view.form" icon={<IconForms size={18} stroke={1.7} />} label={t("Form or graph")} />
      <RailButton id="arrange.tidy" icon={<IconTimelineEvent size={18} stroke={1.7} />} label={t("Tidy up")} />
    </nav>
  );
}

/** One button for each panel that a pack brings. */
function PackPanels() {
  const { editor } = useWorkbench();
  const panels = useEditorState((state) => state.extensions.panels);
  const shown = useEditorState((state) => state.view.panel);
  return panels.map(({ name, pack, panel }) => (
    <Tooltip key={name} label={`${panel.title} (${pack})`} position="right" openDelay={350} transitionProps={{ duration: 80 }}>
      <button type="button" className={css.tool} aria-label={panel.title} aria-pressed={shown === name} onClick={() => editor.patchView({ panel: shown === name ? null : name })}>
        <IconPlug size={18} stroke={1.7} />
      </button>
    </Tooltip>
  ));
}

interface Props {
  readonly id: string;
  readonly icon: ReactNode;
  readonly label: string;
  readonly panel?: string;
  readonly badge?: number;
}

function RailButton({ id, icon, label, panel, badge = 0 }: Props) {
  const workbench = useWorkbench();
  const open = useEditorState((state) => panel !== undefined && state.view.panel === panel);
  const key = useKeyOf(id);
  return (
    <Tooltip label={key ? `${label} (${key})` : label} position="right" openDelay={350} transitionProps={{ duration: 80 }}>
      <button type="button" className={css.tool} aria-label={label} aria-pressed={panel === undefined ? undefined : open} onClick={() => runCommand(id, workbench)}>
        {icon}
        {badge > 0 && <span className={css.badge}>{badge}</span>}
      </button>
    </Tooltip>
  );
}
