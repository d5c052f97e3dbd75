import { Menu } from "@mantine/core";
import { IconCheck, IconChevronDown } from "@tabler/icons-react";
import { commandById, isEnabled } from "../../commands/registry";
import { useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { useKeyOf } from "../../ui/useKeyOf";
import css from "./toolbar.module.css";

const ENTRIES = ["workflow.new", "workflow.default", "workflow.templates", "workflow.open", "workflow.save", "-", "workflow.prompt", "workflow.saved", "workflow.python", "workflow.svg", "workflow.png", "-", "edit.undo", "edit.redo", "arrange.tidy", "arrange.note", "-", "view.form", "view.form-builder", "view.settings", "view.commands"];
/** A command in a menu; `checked` for one that is switched on and off. */
export function CommandItem({ id, checked }: { id: string; checked?: boolean }) {
  const workbench = useWorkbench();
  const command = commandById(id);
  const key = useKeyOf(id);
  return (
    <Menu.Item
      {...(checked === undefined ? {} : { role: "menuitemcheckbox", "aria-checked": checked })}
      leftSection={checked ? <IconCheck size={14} aria-hidden="true" /> : undefined}
      disabled={!isEnabled(command, workbench)}
      rightSection={key && <kbd>{key}</kbd>}
      onClick={() => void command.run(workbench)}
    >
      {t(command.label)}
    </Menu.Item>
  );
}

export function AppMenu() {
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
      </Menu.Dropdown>
    </Menu>
  );
}
