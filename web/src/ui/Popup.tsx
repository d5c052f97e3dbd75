import { Popover, type PopoverProps } from "@mantine/core";
import { type ReactElement, type ReactNode, useEffect, useState } from "react";

interface Props extends Pick<PopoverProps, "width" | "position"> {
  /** What it belongs to; pressing it opens and closes. */
  readonly target: (press: () => void) => ReactElement;
  readonly className?: string | undefined;
  readonly children: ReactNode;
}

/** More about something, beside it: closed by Escape wherever the focus is, or by a press elsewhere. */
export function Popup({ target, className, children, ...place }: Props) {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (!open) return undefined;
    const key = (event: KeyboardEvent) => {
      if (event.key === "Escape") setOpen(false);
    };
    window.addEventListener("keydown", key, true);
    return () => window.removeEventListener("keydown", key, true);
  }, [open]);
  return (
    <Popover {...place} opened={open} onChange={setOpen} shadow="md" radius="md" withinPortal>
      <Popover.Target>{target(() => setOpen(!open))}</Popover.Target>
      <Popover.Dropdown {...(className === undefined ? {} : { className })} data-widget>
        {children}
      </Popover.Dropdown>
    </Popover>
  );
}
