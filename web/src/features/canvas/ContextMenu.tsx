import { Menu } from "@mantine/core";
import { changePlacement } from "../../core/edits";
import { squash } from "../../core/diff";
import type { MenuRequest } from "../../store/state";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { instancesIn } from "../../store/subgraphs";
import { CommandItem } from "../toolbar/AppMenu";
import css from "./ContextMenu.module.css";

const ON_NODE = ["run.selected", "-", "edit.rename", "edit.duplicate", "edit.collapse", "edit.mute", "edit.bypass", "edit.sockets", "edit.reset", "edit.unlink", "-", "arrange.group", "subgraph.make", "arrange.waypoint", "arrange.tidy", "view.help", "-", "edit.delete"];
const ON_INSTANCE = ["subgraph.enter", "subgraph.unpack", "view.subgraph", "-"];
const ON_MANY = ["arrange.left", "arrange.top", "arrange.spread-x", "arrange.spread-y"];
const ON_VOID = ["edit.select-all", "arrange.note", "arrange.tidy", "view.fit", "-", "edit.undo", "edit.redo", "-", "workflow.save"];
const COLOURS = ["#8b5e5e", "#8a7350", "#5f7a52", "#4a7a78", "#4f6a8c", "#73608c"];

export function ContextMenu() {
  const request = useEditorState((state) => state.view.menu);
  return request && <OpenMenu key={`${request.screen.x} ${request.screen.y}`} request={request} />;
}

function OpenMenu({ request }: { request: MenuRequest }) {
  const { editor } = useWorkbench();
  const many = useEditorState((state) => state.view.selection.size > 1);
  const close = () => editor.patchView({ menu: null });
  const onNode = many ? [...ON_NODE.slice(0, -1), ...ON_MANY, "-", "edit.delete"] : ON_NODE;
  const entries = request.node === null ? ON_VOID : instancesIn(editor).length ? [...ON_INSTANCE, ...onNode] : onNode;
  const addHere = () => editor.patchView({ menu: null, palette: { screen: request.screen, graph: request.graph, drag: null } });
  return (
    <Menu opened onClose={close} position="bottom-start" width={250} shadow="md" radius="md" transitionProps={{ duration: 60 }} withinPortal>
      <Menu.Target>
        <span className={css.anchor} style={{ left: request.screen.x, top: request.screen.y }} />
      </Menu.Target>
      <Menu.Dropdown>
        {request.node === null && <Menu.Item onClick={addHere}>{t("Add a node here…")}</Menu.Item>}
        {entries.map((id, index) => (id === "-" ? <Menu.Divider key={index} /> : <CommandItem key={id} id={id} />))}
        {request.node !== null && <Colours onDone={close} />}
      </Menu.Dropdown>
    </Menu>
  );
}

function Colours({ onDone }: { onDone: () => void }) {
  const { editor } = useWorkbench();
  const paint = (color: string | undefined) => {
    const diffs = [...editor.selection].map((id) => changePlacement(editor.document, id, { color }));
    editor.commit(diffs.reduce(squash, {}), "Colour nodes");
    onDone();
  };
  return (
    <>
      <Menu.Divider />
      <div className={css.colours} role="group" aria-label={t("Colour")}>
        <button type="button" className={css.none} aria-label={t("No colour")} onClick={() => paint(undefined)} />
        {COLOURS.map((colour) => (
          <button key={colour} type="button" aria-label={t("Colour {name}", { name: colour })} style={{ background: colour }} onClick={() => paint(tint(colour))} />
        ))}
      </div>
    </>
  );
}

/** Kept see-through so that text stays readable in light and dark. */
function tint(colour: string): string {
  return `${colour}66`;
}
