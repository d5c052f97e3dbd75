import { useMantineColorScheme } from "@mantine/core";
import { useEditorState, useWorkbench } from "../../ui/context";
import { chosenLanguage, LANGUAGES, type Language, t } from "../../ui/i18n";
import { useChangeLanguage } from "../../ui/language";
import { Choice } from "./Choice";

export function Looks() {
  const { editor } = useWorkbench();
  const motion = useEditorState((state) => state.settings.motion);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const changeLanguage = useChangeLanguage();
  const languages = Object.entries(LANGUAGES) as [Language, string][];
  return (
    <>
      <Choice
        label={t("Colours")}
        value={colorScheme}
        choices={[
          ["auto", t("As the system")],
          ["light", t("Light")],
          ["dark", t("Dark")],
        ]}
        onChoose={setColorScheme}
      />
      <Choice label={t("Language")} value={chosenLanguage()} choices={languages} onChoose={changeLanguage} />
      <Choice
        label={t("Movement")}
        value={motion}
        choices={[
          ["system", t("As the system")],
          ["reduced", t("Reduced")],
        ]}
        onChoose={(next) => editor.changeSettings({ motion: next })}
      />
    </>
  );
}
