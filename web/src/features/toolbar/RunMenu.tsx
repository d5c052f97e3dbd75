import { Menu } from "@mantine/core";
import { IconChevronDown, IconMinus, IconPlus } from "@tabler/icons-react";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { CommandItem } from "./AppMenu";
import css from "./toolbar.module.css";

const MOST_TIMES = 100;

/** How often and how else the workflow can be run. */
export function RunMenu() {
  const following = useEditorState((state) => state.jobs.following === state.document.active);
  const paused = useEditorState((state) => state.jobs.paused);
  return (
    <Menu position="bottom-end" width={300} shadow="md" radius="md" transitionProps={{ duration: 80 }} withinPortal>
      <Menu.Target>
        <button type="button" className={css.more} aria-label={t("Ways to run")}>
          <IconChevronDown size={15} aria-hidden="true" />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Times />
        <Menu.Divider />
        <CommandItem id="run.selected" />
        <CommandItem id="run.front" />
        <CommandItem id="run.follow" checked={following} />
        <Menu.Divider />
        <CommandItem id={paused ? "run.resume" : "run.pause"} />
        <CommandItem id="run.cancel" />
        <CommandItem id="run.clear" />
      </Menu.Dropdown>
    </Menu>
  );
}

/** How many jobs one press makes; each has the next seed. */
function Times() {
  const { editor } = useWorkbench();
  const times = useEditorState((state) => state.jobs.times);
  const set = (next: number) =>
    editor.store.setState(({ jobs }) => ({ jobs: { ...jobs, times: Math.min(MOST_TIMES, Math.max(1, Math.round(next) || 1)) } }));
  return (
    <div className={css.amount}>
      <span id="run-times">{t("Jobs at each run")}</span>
      <button type="button" aria-label={t("One less")} disabled={times <= 1} onClick={() => set(times - 1)}>
        <IconMinus size={13} />
      </button>
      <input
        type="number"
        min={1}
        max={MOST_TIMES}
        aria-labelledby="run-times"
        value={times}
        onChange={(event) => set(event.target.valueAsNumber)}
        onKeyDown={(event) => event.stopPropagation()}
      />
      <button type="button" aria-label={t("One more")} disabled={times >= MOST_TIMES} onClick={() => set(times + 1)}>
        <IconPlus size={13} />
      </button>
    </div>
  );
}
