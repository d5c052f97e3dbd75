import { useId, useRef } from "react";
import { createPortal } from "react-dom";
import { labelOf } from "../../core/catalogue";
import { adjustWeight } from "../../core/promptWeight";
import { t } from "../../ui/i18n";
import list from "./ChoiceList.module.css";
import { tip } from "./NumberWidget";
import { useCompletion } from "./useCompletion";
import type { ControlProps } from "./Widget";
import css from "./widgets.module.css";

/** Long text. Ctrl with the up and down arrows changes the weight of the selected words; `embedding:` offers names. */
export function MultilineWidget({ input, value, problem, onChange }: ControlProps<string>) {
  const area = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const completion = useCompletion(value, onChange);
  const { offered, at } = completion;
  const weigh = (event: React.KeyboardEvent<HTMLTextAreaElement>) => {
    if (!(event.ctrlKey || event.metaKey) || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    const field = event.currentTarget;
    const result = adjustWeight(value, field.selectionStart, field.selectionEnd, event.key === "ArrowUp" ? 0.05 : -0.05);
    onChange(result.text);
    requestAnimationFrame(() => field.setSelectionRange(result.start, result.end));
  };
  const box = offered.length ? area.current?.getBoundingClientRect() : undefined;
  return (
    <>
      <textarea
        ref={area}
        className={css.area}
        data-widget
        data-invalid={problem !== null || undefined}
        value={value}
        placeholder={tip(input.options["placeholder"]) ?? labelOf(input)}
        title={problem ?? tip(input.options["tooltip"])}
        aria-label={labelOf(input)}
        aria-invalid={problem !== null}
        aria-autocomplete="list"
        aria-controls={offered.length ? id : undefined}
        aria-activedescendant={offered.length ? `${id}-${at}` : undefined}
        spellCheck={false}
        onKeyDown={(event) => completion.onKey(event) || weigh(event)}
        onBlur={completion.close}
        onChange={(event) => {
          onChange(event.target.value);
          completion.look(event.target.value, event.target.selectionStart);
        }}
      />
      {box &&
        createPortal(
          <div className={list.popover} style={{ position: "fixed", zIndex: 320, left: box.left, top: box.bottom + 4, width: Math.max(200, box.width) }} data-widget>
            <ul id={id} className={list.list} role="listbox" aria-label={t("Embeddings")}>
              {offered.map((name, index) => (
                <li
                  key={name}
                  id={`${id}-${index}`}
                  className={list.item}
                  role="option"
                  aria-selected={index === at}
                  data-active={index === at || undefined}
                  onPointerDown={(event) => {
                    event.preventDefault();
                    if (area.current) completion.choose(area.current, name);
                  }}
                >
                  {name}
                </li>
              ))}
            </ul>
          </div>,
          document.body,
        )}
    </>
  );
}
