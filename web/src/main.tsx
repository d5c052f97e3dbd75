import "@fontsource-variable/inter";
import "@mantine/core/styles/default-css-variables.css";
import "@mantine/core/styles/global.css";
import "@mantine/core/styles/UnstyledButton.css";
import "@mantine/core/styles/Paper.css";
import "@mantine/core/styles/Popover.css";
import "@mantine/core/styles/Menu.css";
import "@mantine/core/styles/Tooltip.css";
import "./tokens.css";
import "./global.css";
import { MantineProvider } from "@mantine/core";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { offerBench } from "./bench";
import { CanvasEngine } from "./canvas/engine";
import { keepSettings } from "./session/keptSettings";
import { isOpen } from "./session/keptWindows";
import { Session } from "./session/session";
import { Editor } from "./store/editor";
import { WorkbenchProvider } from "./ui/context";
import { chosenLanguage, useLanguage as loadLanguage } from "./ui/i18n";

function freshId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The same window keeps its id over a reload, so that the server goes on telling it about its jobs; a copy of it gets another. */
function windowId(): string {
  const kept = window.sessionStorage.getItem("heddle.client");
  const id = kept === null || isOpen(window.localStorage, kept) ? freshId() : kept;
  window.sessionStorage.setItem("heddle.client", id);
  return id;
}

async function start(root: HTMLElement): Promise<void> {
  await loadLanguage(chosenLanguage());
  const editor = new Editor({ now: () => Date.now(), random: () => Math.random(), freshId });
  keepSettings(editor, window.localStorage, document.documentElement);
  const engine = new CanvasEngine(editor);
  const session = new Session(editor, windowId());
  createRoot(root).render(
    <MantineProvider defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
      <WorkbenchProvider value={{ editor, engine, session }}>
        <App />
      </WorkbenchProvider>
    </MantineProvider>,
  );
  const asked = new URLSearchParams(location.search);
  const form = asked.get("form");
  const started = form === null ? session.start() : session.startForm(form);
  if (asked.has("bench")) offerBench(editor, engine, started);
  await started;
}

const root = document.getElementById("root");
if (!root) throw new Error("the page has no #root");
void start(root);
