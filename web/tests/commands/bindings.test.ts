import { describe, expect, it } from "vitest";
import { conflicts, keysOf, withKeys } from "../../src/commands/bindings";
import type { Context } from "../../src/commands/command";
import { COMMANDS, commandById, commandForKey } from "../../src/commands/registry";
import { DEFAULT_SETTINGS, readSettings } from "../../src/core/settings";
import { TestEditor } from "../testEditor";

const press = (key: string, mods: Partial<KeyboardEvent> = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...mods }) as KeyboardEvent;

describe("keys", () => {
  it("as shipped belong to one command each", () => {
    expect([...conflicts(COMMANDS, DEFAULT_SETTINGS).keys()]).toEqual([]);
  });

  it("run what the person has set, and no longer what they were", () => {
    const { editor } = new TestEditor();
    const context = { editor } as Context;
    editor.changeSettings(withKeys(editor.state.settings, commandById("view.jobs"), ["q"]));

    expect(commandForKey(press("q"), context)?.id).toBe("view.jobs");
    expect(commandForKey(press("j"), context)).toBeUndefined();
  });

  it("that two commands have are a conflict, and the one that can run is run", () => {
    const { editor } = new TestEditor();
    const undo = commandById("edit.undo");
    const fit = commandById("view.fit");
    editor.changeSettings(withKeys(editor.state.settings, fit, ["mod+z"]));
    const { settings } = editor.state;

    expect([...conflicts(COMMANDS, settings)]).toEqual([["mod+z", [undo, fit]]]);
    expect(commandForKey(press("z", { ctrlKey: true }), { editor } as Context)?.id).toBe("view.fit");
  });

  it("set back to what they were leave no trace", () => {
    const command = commandById("view.jobs");
    const changed = withKeys(DEFAULT_SETTINGS, command, []);

    expect(keysOf(command, changed)).toEqual([]);
    expect(withKeys(changed, command, command.keys!)).toEqual(DEFAULT_SETTINGS);
  });

  it("of a pack's panel appear among the commands", () => {
    const { editor } = new TestEditor();
    const panel = { id: "p", title: "Panel", mount: () => ({}) };
    editor.store.setState({ extensions: { packs: ["x"], widgets: [], panels: [{ name: "pack:x/p", pack: "x", panel }] } });
    editor.changeSettings({ keys: { "pack:x/p": ["q"] } });

    expect(commandForKey(press("q"), { editor } as Context)?.label).toBe("Panel");
  });
});

describe("settings that were kept", () => {
  it("come back, and what is not understood is as shipped", () => {
    const kept = JSON.stringify({ wheel: "scroll", drag: "fly", snap: true, keys: { a: ["x"], b: "y" }, other: 1 });

    expect(readSettings(kept)).toEqual({ ...DEFAULT_SETTINGS, wheel: "scroll", snap: true, keys: { a: ["x"] } });
    expect(readSettings("{ half")).toEqual(DEFAULT_SETTINGS);
    expect(readSettings(null)).toEqual(DEFAULT_SETTINGS);
  });
});
