import { useMemo, useState } from "react";
import { CanvasView } from "./features/canvas/CanvasView";
import { ContextMenu } from "./features/canvas/ContextMenu";
import { Navigation } from "./features/canvas/Navigation";
import { OpenField } from "./features/documents/OpenField";
import { FormPage } from "./features/form/FormPage";
import { Lightbox } from "./features/gallery/Lightbox";
import { CommandPalette } from "./features/palette/CommandPalette";
import { ConnectPalette } from "./features/palette/ConnectPalette";
import { SocketPalette } from "./features/palette/SocketPalette";
import { NodePalette } from "./features/palette/NodePalette";
import { SettingsDialog } from "./features/settings/SettingsDialog";
import { SidePanel } from "./features/panels/SidePanel";
import { Breadcrumb } from "./features/subgraph/Breadcrumb";
import { TemplatesDialog } from "./features/templates/TemplatesDialog";
import { Rail } from "./features/toolbar/Rail";
import { TopBar } from "./features/toolbar/TopBar";
import { useEditorState } from "./ui/context";
import { ComparisonView } from "./features/versions/ComparisonView";
import { ErrorBoundary } from "./ui/ErrorBoundary";
import { t, type Language, useLanguage as loadLanguage } from "./ui/i18n";
import { LanguageContext } from "./ui/language";
import { Notices } from "./ui/Notices";
import { useDrop } from "./ui/useDrop";
import { useKeys } from "./ui/useKeys";
import { useTitle } from "./ui/useTitle";

export function App() {
  const [language, setLanguage] = useState<Language | null>(null);
  const change = useMemo(() => (next: Language) => void loadLanguage(next).then(() => setLanguage(next)), []);
  return (
    <LanguageContext value={change}>
      <Workspace key={language} />
    </LanguageContext>
  );
}

function Workspace() {
  useKeys();
  useDrop();
  useTitle();
  const form = useEditorState((state) => state.view.form);
  const modal = useEditorState(({ view }) => view.settingsOpen || view.templatesOpen || view.comparing !== null || view.lightbox !== null);
  if (form === "alone")
    return (
      <main>
        <ErrorBoundary part={t("The form")}>
          <FormPage />
          <Lightbox />
        </ErrorBoundary>
        <Notices />
      </main>
    );
  return (
    <main>
      <div inert={modal}>
        <ErrorBoundary part={t("The canvas")}>
          <div inert={form === "shown"}>
            <CanvasView />
          </div>
          <FormPage />
        </ErrorBoundary>
        <ErrorBoundary part={t("The toolbar")}>
          <TopBar />
          <Breadcrumb />
          <Rail />
          {form === "hidden" && <Navigation />}
        </ErrorBoundary>
        <ErrorBoundary part={t("The panel")}>
          <SidePanel />
        </ErrorBoundary>
      </div>
      <ErrorBoundary part={t("The palette")}>
        <NodePalette />
        <ConnectPalette />
        <SocketPalette />
        <CommandPalette />
        <ContextMenu />
        <Lightbox />
        <ComparisonView />
        <SettingsDialog />
        <TemplatesDialog />
      </ErrorBoundary>
      <OpenField />
      <Notices />
    </main>
  );
}
