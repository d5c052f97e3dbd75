import { Menu, useMantineColorScheme } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { keyLabel } from "../../commands/command";
import { commandById, isEnabled } from "../../commands/registry";
import { useWorkbench } from "../../ui/context";
import { chosenLanguage, LANGUAGES, type Language, t } from "../../ui/i18n";
import { useChangeLanguage } from "../../ui/language";
import css from "./toolbar.module.css";

const ENTRIES = ["workflow.new", "workflow.default", "workflow.open", "workflow.save", "-", "workflow.prompt", "workflow.saved", "workflow.python", "workflow.svg", "workflow.png", "-", "edit.undo", "edit.redo", "arrange.tidy", "arrange.note", "-", "view.form", "view.form-builder", "view.commands"];
const SCHEMES = [
  ["auto", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
] as const;

export function CommandItem({ id }: { id: string }) {
  const workbench = useWorkbench();
  const command = commandById(id);
  return (
    <Menu.Item
      disabled={!isEnabled(command, workbench)}
      rightSection={command.keys?.[0] && <kbd>{keyLabel(command.keys[0])}</kbd>}
      onClick={() => void command.run(workbench)}
    >
      {t(command.label)}
    </Menu.Item>
  );
}

export function AppMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const changeLanguage = useChangeLanguage();
  return (
    <Menu position="bottom-start" width={264} shadow="md" radius="md" transitionProps={{ duration: 80 }} withinPortal>
      <Menu.Target>
        <button type="button" className={css.brand} aria-label={t("Heddle menu")}>
          <img src="/heddle.svg" alt="" width={24} height={24} />
          <span>Heddle</span>
          <IconChevronDown size={14} aria-hidden="true" />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {ENTRIES.map((id, index) => (id === "-" ? <Menu.Divider key={index} /> : <CommandItem key={id} id={id} />))}
        <Menu.Divider />
        <Menu.Label>{t("Colours")}</Menu.Label>
        <div className={css.choices}>
          {SCHEMES.map(([scheme, label]) => (
            <button key={scheme} type="button" aria-pressed={colorScheme === scheme} onClick={() => setColorScheme(scheme)}>
              {t(label)}
            </button>
          ))}
        </div>
        <Menu.Label>{t("Language")}</Menu.Label>
        <div className={css.choices}>
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <button key={code} type="button" lang={code} aria-pressed={chosenLanguage() === code} onClick={() => changeLanguage(code as Language)}>
              {name}
            </button>
          ))}
        </div>
      </Menu.Dropdown>
    </Menu>
  );
}
