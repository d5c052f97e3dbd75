import { useMantineColorScheme } from "@mantine/core";
import { type RefObject, useEffect, useLayoutEffect } from "react";
import { useWorkbench } from "../../ui/context";

/** Ties the engine to its elements, their size and the theme. */
export function useCanvasEngine(
  root: RefObject<HTMLDivElement | null>,
  canvas: RefObject<HTMLCanvasElement | null>,
  world: RefObject<HTMLDivElement | null>,
): void {
  const { engine } = useWorkbench();
  const { colorScheme } = useMantineColorScheme();

  useLayoutEffect(() => {
    if (!root.current || !canvas.current || !world.current) return undefined;
    const element = root.current;
    engine.attach(canvas.current, world.current);
    const resize = () => engine.resize(element.clientWidth, element.clientHeight);
    resize();
    const observer = new ResizeObserver(resize);
    observer.observe(element);
    void document.fonts.ready.then(() => engine.request());
    return () => observer.disconnect();
  }, [engine, root, canvas, world]);

  useEffect(() => {
    engine.refreshTheme();
    const media = window.matchMedia("(prefers-color-scheme: dark)");
    const refresh = () => requestAnimationFrame(() => engine.refreshTheme());
    media.addEventListener("change", refresh);
    return () => media.removeEventListener("change", refresh);
  }, [engine, colorScheme]);
}
