import { serialize } from "../core/document";
import { withModelFacts } from "../session/modelFacts";
import { activeTab } from "../store/store";
import type { Command, Context } from "./command";
import { download } from "./export";

export const FILE_TYPES = ".json,application/json,image/png,image/webp,image/jpeg,video/mp4,video/webm,audio/flac,.safetensors,.svg,image/svg+xml";

async function save({ editor, session }: Context): Promise<void> {
  const tab = activeTab(editor.state);
  download(`${tab.document.name || "workflow"}.json`, serialize(await withModelFacts(tab.document, editor.specs)));
  editor.patchTab(tab.id, { saved: tab.document });
  session.keepVersion("saved");
}

/** The page keeps one file field; a command can only press it. */
export const OPEN_FIELD = "open-file";

function open(): void {
  document.getElementById(OPEN_FIELD)?.click();
}

function nextTab({ editor }: Context, by: number): void {
  const { tabs, active } = editor.state.document;
  const at = tabs.findIndex((tab) => tab.id === active);
  const next = tabs[(at + by + tabs.length) % tabs.length];
  if (next) editor.show(next.id);
}

export const WORKFLOW_COMMANDS: readonly Command[] = [
  { id: "workflow.new", label: "New workflow", group: "Workflow", keys: ["alt+n"], run: ({ session }) => session.openEmpty() },
  { id: "workflow.default", label: "New from the default workflow", group: "Workflow", run: ({ session }) => session.openDefault() },
  { id: "workflow.templates", label: "Templates…", group: "Workflow", keys: ["t"], run: ({ editor }) => editor.patchView({ templatesOpen: true }) },
  { id: "workflow.open", whileTyping: true, label: "Open file…", group: "Workflow", keys: ["mod+o"], run: open },
  { id: "workflow.save", whileTyping: true, label: "Save as file", group: "Workflow", keys: ["mod+s"], run: save },
  { id: "workflow.close", label: "Close tab", group: "Workflow", keys: ["alt+w"], run: ({ session, editor }) => session.closeTab(editor.state.document.active) },
  { id: "workflow.next", label: "Next tab", group: "Workflow", keys: ["alt+]"], run: (context) => nextTab(context, 1) },
  { id: "workflow.previous", label: "Previous tab", group: "Workflow", keys: ["alt+["], run: (context) => nextTab(context, -1) },
];
