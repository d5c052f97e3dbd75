/** The workflow as files for other programs and for people who only look. */
import { toPng } from "../canvas/png";
import { toSvg } from "../canvas/svg";
import { type Json, serialize } from "../core/document";
import { parseJson } from "../core/json";
import { pythonScript } from "../core/script";
import type { Command, Context } from "./command";

/** Gives the browser a file to keep. */
export function download(name: string, content: string | Blob, type = "application/json"): void {
  const url = URL.createObjectURL(typeof content === "string" ? new Blob([content], { type }) : content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

function nameOf({ editor }: Context): string {
  return editor.root.name || "workflow";
}

async function exportAs(context: Context, format: "prompt" | "saved"): Promise<void> {
  const text = await context.session.exported(format);
  if (text !== null) download(`${nameOf(context)}.${format}.json`, text);
}

async function script(context: Context): Promise<void> {
  const text = await context.session.exported("prompt");
  if (text !== null) download(`${nameOf(context)}.py`, pythonScript(nameOf(context), parseJson(text) as Json, location.origin), "text/x-python");
}

/** What the canvas shows, a subgraph from inside too, in the theme of the page. */
function svg(context: Context): void {
  const { editor, engine } = context;
  if (engine.theme) download(`${nameOf(context)}.svg`, toSvg(editor.scene, engine.theme, editor.document.name, serialize(editor.root)), "image/svg+xml");
}

async function png(context: Context): Promise<void> {
  const { editor, engine, session } = context;
  const { theme } = engine;
  if (theme) await session.report("The picture could not be made", async () => download(`${nameOf(context)}.graph.png`, await toPng(editor.scene, theme)));
}

export const EXPORT_COMMANDS: readonly Command[] = [
  { id: "workflow.prompt", label: "Save as API prompt", group: "Workflow", run: (context) => exportAs(context, "prompt") },
  { id: "workflow.saved", label: "Save for the established editor", group: "Workflow", run: (context) => exportAs(context, "saved") },
  { id: "workflow.python", label: "Save as Python script", group: "Workflow", run: script },
  { id: "workflow.svg", label: "Save a picture of the graph (SVG)", group: "Workflow", run: svg },
  { id: "workflow.png", label: "Save a picture of the graph (PNG)", group: "Workflow", run: png },
];
