/** Queueing jobs, and steering the queue. */
import { prefixOf } from "../core/scope";
import type { Editor } from "../store/editor";
import { activeDocument, activeRun, activeTab } from "../store/store";
import type { Command, Context } from "./command";

/** The selected nodes that end a workflow, by their path ids; a job can be limited to them. */
export function selectedOutputs(editor: Editor): string[] {
  const { nodes } = activeDocument(editor.state);
  const prefix = prefixOf(activeTab(editor.state).path);
  return [...editor.selection].filter((id) => editor.specs[nodes[id]?.type ?? ""]?.terminal).map((id) => prefix + id);
}

function runningJob({ editor }: Context): string | null {
  const { job } = activeRun(editor.state);
  const state = job === null ? undefined : editor.state.jobs.rows[job]?.state;
  return state === "running" || state === "queued" ? job : null;
}

function canRun({ editor }: Context): boolean {
  return editor.state.catalogue.state === "ready" && !editor.state.jobs.submitting;
}

function follow({ editor }: Context): void {
  const { active } = editor.state.document;
  editor.store.setState(({ jobs }) => ({ jobs: { ...jobs, following: jobs.following === active ? null : active } }));
}

async function cancel(context: Context): Promise<void> {
  const job = runningJob(context);
  if (job !== null) await context.session.cancel(job);
}

export const RUN_COMMANDS: readonly Command[] = [
  { id: "run.queue", whileTyping: true, label: "Run", group: "Run", keys: ["mod+enter"], enabled: canRun, run: ({ session }) => session.runTimes() },
  {
    id: "run.front",
    whileTyping: true,
    label: "Run before everything queued",
    group: "Run",
    keys: ["mod+shift+enter"],
    enabled: canRun,
    run: async ({ session }) => {
      await session.run({ front: true });
    },
  },
  {
    id: "run.selected",
    whileTyping: true,
    label: "Run selected outputs only",
    group: "Run",
    keys: ["alt+enter"],
    enabled: (context) => canRun(context) && selectedOutputs(context.editor).length > 0,
    run: ({ session, editor }) => session.runTimes(selectedOutputs(editor)),
  },
  { id: "run.follow", label: "Run at every change", group: "Run", keys: ["alt+r"], run: follow },
  { id: "run.cancel", whileTyping: true, label: "Cancel this workflow's job", group: "Run", keys: ["mod+alt+enter"], enabled: (context) => runningJob(context) !== null, run: cancel },
  { id: "run.pause", label: "Pause the queue", group: "Run", keys: ["alt+p"], enabled: ({ editor }) => !editor.state.jobs.paused, run: ({ session }) => session.queue.setPaused(true) },
  { id: "run.resume", label: "Resume the queue", group: "Run", keys: ["alt+shift+p"], enabled: ({ editor }) => editor.state.jobs.paused, run: ({ session }) => session.queue.setPaused(false) },
  { id: "run.clear", label: "Cancel all queued jobs", group: "Run", enabled: ({ editor }) => editor.state.jobs.turns.length > 0, run: ({ session }) => session.queue.cancelQueued() },
];
