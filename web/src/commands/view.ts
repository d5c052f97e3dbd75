import type { PanelName } from "../store/state";
import type { Command } from "./command";

function panel(id: PanelName, label: string, keys: readonly string[]): Command {
  return {
    id: `view.${id}`,
    label,
    group: "View",
    keys,
    run: ({ editor }) => editor.patchView({ panel: editor.state.view.panel === id ? null : id }),
  };
}

export const VIEW_COMMANDS: readonly Command[] = [
  { id: "view.fit", label: "Fit to window", group: "View", keys: ["."], run: ({ editor }) => editor.fit(editor.selection) },
  { id: "view.zoom-in", label: "Zoom in", group: "View", keys: ["+", "="], run: ({ editor }) => editor.zoom(1.25) },
  { id: "view.zoom-out", label: "Zoom out", group: "View", keys: ["-"], run: ({ editor }) => editor.zoom(0.8) },
  { id: "view.actual", label: "Zoom to 100 %", group: "View", keys: ["1"], run: ({ editor }) => editor.zoom(1 / editor.viewport.k) },
  { id: "view.minimap", label: "Show or hide the minimap", group: "View", keys: ["m"], run: ({ editor }) => editor.patchView({ minimap: !editor.state.view.minimap }) },
  { id: "view.form", label: "Form or graph", group: "View", keys: ["f"], enabled: ({ editor }) => editor.state.view.form !== "alone", run: ({ editor }) => editor.patchView({ form: editor.state.view.form === "shown" ? "hidden" : "shown" }) },
  { ...panel("form", "Form builder", ["shift+f"]), id: "view.form-builder" },
  panel("help", "Help on the node", ["h", "f1"]),
  panel("versions", "Versions panel", ["v"]),
  panel("jobs", "Jobs panel", ["j"]),
  panel("gallery", "Gallery panel", ["g"]),
  panel("outline", "Outline panel", ["o"]),
  panel("subgraph", "Subgraph panel", ["s"]),
  panel("library", "Node library", ["n"]),
  { id: "view.settings", whileTyping: true, label: "Settings…", group: "View", keys: ["mod+,"], run: ({ editor }) => editor.patchView({ settingsOpen: true }) },
  { id: "view.commands", whileTyping: true, label: "All commands…", group: "View", keys: ["mod+k"], run: ({ editor }) => editor.patchView({ commandsOpen: true }) },
];
