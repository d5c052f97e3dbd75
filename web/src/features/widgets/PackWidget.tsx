import { useEffect, useRef, useState } from "react";
import { labelOf } from "../../core/catalogue";
import type { Json } from "../../core/document";
import { messageOf, type MountedWidget } from "../../core/extension";
import { blame } from "../../session/extensions";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import type { ControlProps } from "./Widget";
import css from "./widgets.module.css";

/** A control that a pack brings; when it fails, the pack is named in its place and the rest goes on. */
export function PackWidget({ input, value, problem, onChange }: ControlProps<Json>) {
  const { editor } = useWorkbench();
  const loaded = useEditorState((state) => state.extensions.widgets.find(({ id }) => id === input.control?.id));
  const element = useRef<HTMLDivElement>(null);
  const mounted = useRef<MountedWidget | null>(null);
  const latest = useRef({ value, onChange });
  const [failure, setFailure] = useState<string | null>(null);

  useEffect(() => {
    latest.current = { value, onChange };
  });
  useEffect(() => {
    const root = element.current;
    if (!root || !loaded) return undefined;
    const fail = (error: unknown) => {
      setFailure(messageOf(error));
      blame(editor, loaded.pack, error);
    };
    try {
      mounted.current = loaded.widget.mount(root, {
        name: input.name,
        label: labelOf(input),
        options: input.options,
        get value() {
          return latest.current.value;
        },
        change: (next) => latest.current.onChange(next),
      });
    } catch (error) {
      fail(error);
    }
    return () => {
      try {
        mounted.current?.unmount?.();
      } catch (error) {
        fail(error);
      }
      mounted.current = null;
      root.replaceChildren();
    };
  }, [editor, loaded, input]);
  useEffect(() => {
    try {
      mounted.current?.update?.(value);
    } catch (error) {
      setFailure(messageOf(error));
      if (loaded) blame(editor, loaded.pack, error);
    }
  }, [editor, loaded, value]);

  return (
    <div className={css.pack} data-widget data-invalid={problem !== null || undefined} title={problem ?? undefined}>
      <div ref={element} hidden={failure !== null} />
      {failure !== null && (
        <p role="alert">
          {t("The control of the pack “{pack}” failed: {message}", { pack: loaded?.pack ?? "", message: failure })}
        </p>
      )}
    </div>
  );
}
