import { serialize } from "../core/document";
import { activeDocument, activeRun, activeTab } from "../store/store";
import type { Editor } from "../store/editor";
import type { Command, Context } from "./command";
import { download } from "./export";

export const FILE_TYPES = ".json,application/json,image/png,image/webp,image/jpeg,video/mp4,video/webm,audio/flac,.safetensors,.svg,image/svg+xml";

function save({ editor, session }: Context): void {
  const tab = activeTab(editor.state);
  download(`${tab.document.name || "workflow"}.json`, serialize(tab.document));
  editor.patchTab(tab.id, { saved: tab.document });
  session.keepVersion("saved");
}

/** The page keeps one file field; a command can only press it. */
export const OPEN_FIELD = "open-file";

function open(): void {
  document.getElementById(OPEN_FIELD)?.click();
}

/** The selected nodes that end a workflow; a job can be limited to them. */
function selectedOutputs(editor: Editor): string[] {
  const { nodes } = activeDocument(editor.state);
  return [...editor.selection].filter((id) => editor.specs[nodes[id]?.type ?? ""]?.terminal);
}

function runningJob({ editor }: Context): string | null {
  const { job } = activeRun(editor.state);
  const state = job === null ? undefined : editor.state.jobs.rows[job]?.state;
  return state === "running" || state === "queued" ? job : null;
}

function nextTab({ editor }: Context, by: number): void {
  const { tabs, active } = editor.state.document;
  const at = tabs.findIndex((tab) => tab.id === active);
  const next = tabs[(at + by + tabs.length) % tabs.length];
  if (next) editor.show(next.id);
}

export const WORKFLOW_COMMANDS: readonly Command[] = [
  { id: "run.queue", whileTyping: true, label: "Run", group: "Run", keys: ["mod+enter"], enabled: ({ editor }) => editor.state.catalogue.state === "ready" && !editor.state.jobs.submitting, run: ({ session }) => session.run() },
  { id: "run.front", whileTyping: true, label: "Run before everything queued", group: "Run", keys: ["mod+shift+enter"], run: ({ session }) => session.run({ front: true }) },
  { id: "run.selected", whileTyping: true, label: "Run selected outputs only", group: "Run", keys: ["alt+enter"], enabled: ({ editor }) => selectedOutputs(editor).length > 0, run: ({ session, editor }) => session.run({ targets: selectedOutputs(editor) }) },
  {
    id: "run.cancel", whileTyping: true,
    label: "Cancel this workflow's job",
    group: "Run",
    keys: ["mod+alt+enter"],
    enabled: (context) => runningJob(context) !== null,
    run: (context) => {
      const job = runningJob(context);
      return job === null ? undefined : context.session.cancel(job);
    },
  },
  { id: "workflow.new", label: "New workflow", group: "Workflow", keys: ["alt+n"], run: ({ session }) => session.openEmpty() },
  { id: "workflow.default", label: "New from the default workflow", group: "Workflow", run: ({ session }) => session.openDefault() },
  { id: "workflow.open", whileTyping: true, label: "Open file…", group: "Workflow", keys: ["mod+o"], run: open },
  { id: "workflow.save", whileTyping: true, label: "Save as file", group: "Workflow", keys: ["mod+s"], run: save },
  { id: "workflow.close", label: "Close tab", group: "Workflow", keys: ["alt+w"], run: ({ session, editor }) => session.closeTab(editor.state.document.active) },
  { id: "workflow.next", label: "Next tab", group: "Workflow", keys: ["alt+]"], run: (context) => nextTab(context, 1) },
  { id: "workflow.previous", label: "Previous tab", group: "Workflow", keys: ["alt+["], run: (context) => nextTab(context, -1) },
];
