import { beforeEach, describe, expect, it } from "vitest";
import { TestEditor } from "../testEditor";

let test: TestEditor;
beforeEach(() => {
  test = new TestEditor();
});
const VOID = { x: 60, y: 700 };

describe("pressing a node", () => {
  it("selects it, and Shift adds to the selection", () => {
    test.press(test.title("2")).release(test.title("2"));
    test.holding({ shift: true }).press(test.title("4")).release(test.title("4"));

    expect([...test.editor.selection]).toEqual(["2", "4"]);
  });

  it("on the ground clears the selection", () => {
    test.press(test.title("2")).release(test.title("2")).press(VOID).release(VOID);

    expect(test.editor.selection.size).toBe(0);
  });
});

describe("dragging a node", () => {
  it("moves it by one step of history", () => {
    const from = test.title("4");
    test.drag(from, { x: from.x + 50, y: from.y + 30 });

    expect(test.editor.document.layout.nodes["4"]?.pos).toEqual([390, 450]);
    test.editor.undo();
    expect(test.editor.document.layout.nodes["4"]?.pos).toEqual([340, 420]);
  });

  it("at half zoom moves twice as far in the graph", () => {
    test.editor.patchView({ viewport: { x: 0, y: 0, k: 0.5 } });
    const node = test.node("4");
    const from = { x: (node.x + 100) / 2, y: (node.y + 10) / 2 };
    test.drag(from, { x: from.x + 50, y: from.y });

    expect(test.editor.document.layout.nodes["4"]?.pos).toEqual([440, 420]);
  });

  it("stopped by Escape leaves everything as it was", () => {
    const before = test.text;
    const from = test.title("4");
    test.press(from).moveTo({ x: from.x + 90, y: from.y + 90 });
    test.gestures.cancel();

    expect(test.text).toBe(before);
    expect(test.node("4").x).toBe(340);
    expect(test.gestures.name).toBe("idle");
  });

  it("with Shift lands on the grid", () => {
    const from = test.title("1");
    test.holding({}).press(from).release(from);
    test.press(from);
    test.holding({ shift: true }).moveTo({ x: from.x + 33, y: from.y + 47 }).release({ x: from.x + 33, y: from.y + 47 });

    expect(test.editor.document.layout.nodes["1"]?.pos).toEqual([40, 180]);
  });
});

describe("drawing a link", () => {
  it("lights up the sockets that fit and no others", () => {
    const from = test.outputSocket("1", "MODEL");
    test.press(from).moveTo({ x: from.x + 60, y: from.y + 300 });

    expect([...(test.editor.state.view.linkDrag?.fitting ?? [])]).toEqual(["in:5:model"]);
  });

  it("connects where it is dropped", () => {
    test.drag(test.outputSocket("3", "CONDITIONING"), test.inputSocket("5", "positive"));

    expect(test.editor.document.nodes["5"]?.inputs["positive"]).toEqual({ link: ["3", "CONDITIONING"] });
  });

  it("over a socket of another type says why not and changes nothing", () => {
    const before = test.text;
    const to = test.inputSocket("6", "vae");
    test.press(test.outputSocket("2", "CONDITIONING")).moveTo(to);

    expect(test.editor.state.view.linkDrag?.refusal).toBe("CONDITIONING does not fit VAE.");
    test.release(to);
    expect(test.text).toBe(before);
  });

  it("into the void opens the palette for that type", () => {
    test.drag(test.outputSocket("6", "IMAGE"), VOID);

    expect(test.editor.state.view.palette?.drag).toEqual({ from: { node: "6", output: "IMAGE" }, to: null, type: "IMAGE" });
  });

  it("picked up from an input and dropped nowhere is deleted", () => {
    test.drag(test.inputSocket("7", "images"), VOID);

    expect(test.editor.document.nodes["7"]?.inputs["images"]).toBeUndefined();
    test.editor.undo();
    expect(test.editor.document.nodes["7"]?.inputs["images"]).toEqual({ link: ["6", "IMAGE"] });
  });

  it("picked up from one input and dropped on another is one step", () => {
    const before = test.text;
    test.drag(test.inputSocket("5", "positive"), test.inputSocket("5", "negative"));

    expect(test.editor.document.nodes["5"]?.inputs["negative"]).toEqual({ link: ["2", "CONDITIONING"] });
    expect(test.editor.document.nodes["5"]?.inputs["positive"]).toBeUndefined();
    test.editor.undo();
    expect(test.text).toBe(before);
  });

  it("with Shift moves all links of an output", () => {
    test.holding({ shift: true }).drag(test.outputSocket("2", "CONDITIONING"), test.outputSocket("3", "CONDITIONING"));

    expect(test.editor.document.nodes["5"]?.inputs["positive"]).toEqual({ link: ["3", "CONDITIONING"] });
  });

  it("cut by Alt and a click is deleted", () => {
    const a = test.outputSocket("6", "IMAGE");
    const b = test.inputSocket("7", "images");
    const middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
    test.holding({ alt: true }).press(middle).release(middle);

    expect(test.editor.document.nodes["7"]?.inputs["images"]).toBeUndefined();
  });
});

describe("the ground", () => {
  it("is moved by a drag", () => {
    test.drag(VOID, { x: VOID.x + 40, y: VOID.y - 25 });

    expect(test.editor.viewport).toEqual({ x: 40, y: -25, k: 1 });
  });

  it("with Shift selects by rectangle", () => {
    test.holding({ shift: true }).drag({ x: 320, y: 700 }, { x: 360, y: 180 });

    expect([...test.editor.selection].sort()).toEqual(["3", "4"]);
    expect(test.editor.state.view.marquee).toBeNull();
  });

  it("is zoomed and moved by two fingers", () => {
    test.holding({ touch: true }).press({ x: 300, y: 600 }, 1).press({ x: 400, y: 600 }, 2).moveTo({ x: 500, y: 600 }, 2);

    expect(test.editor.viewport.k).toBeCloseTo(2);
    expect(test.editor.selection.size).toBe(0);
  });
});

describe("the lower edge of a text", () => {
  it("makes the text taller and leaves the width", () => {
    const node = test.node("2");
    const row = node.face.rows.find((each) => each.kind === "widget" && each.grows)!;
    const edge = { x: node.x + 100, y: node.y + row.y + row.h };
    const { w, h } = node;
    test.drag(edge, { x: edge.x + 50, y: edge.y + 60 });
    const grown = test.node("2").face.rows.find((each) => each.kind === "widget" && each.grows)!;

    expect([test.node("2").w, test.node("2").h]).toEqual([w, h + 60]);
    expect(grown.h).toBe(row.h + 60);
  });

  it("follows the pointer when several texts share the height", () => {
    const record = { type: "Pair", inputs: { a: "x", b: "y" } };
    const text = (name: string) => ({ name, type: "STRING", required: true, hidden: null, widget: true, options: { multiline: true }, choices: null });
    const spec = { id: "Pair", display_name: "Pair", description: "", category: "", terminal: false, inputs: [text("a"), text("b")], outputs: [] };
    test.editor.store.setState(({ catalogue }) => ({ catalogue: { ...catalogue, specs: { ...catalogue.specs, Pair: spec } } }));
    test.editor.commit({ "node:30": { to: record }, "place:30": { to: { pos: [0, 1200] } } }, "add");
    const bottom = (name: string) => {
      const row = test.node("30").face.rows.find((each) => each.kind === "widget" && each.input.name === name)!;
      return 1200 + row.y + row.h;
    };
    for (const name of ["a", "b"]) {
      const from = bottom(name);
      test.drag({ x: 100, y: from }, { x: 100, y: from + 30 });

      expect(bottom(name)).toBeCloseTo(from + 30);
    }
  });

  it("is not felt from far away, where a press moves the node", () => {
    test.editor.patchView({ viewport: { x: 0, y: 0, k: 0.3 } });
    const node = test.node("2");
    const row = node.face.rows.find((each) => each.kind === "widget" && each.grows)!;
    const edge = { x: 0.3 * (node.x + 100), y: 0.3 * (node.y + row.y + row.h) };
    const { x, h } = node;
    test.drag(edge, { x: edge.x + 30, y: edge.y });

    expect([test.node("2").x, test.node("2").h]).toEqual([x + 100, h]);
  });
});

describe("the corner of a node", () => {
  it("resizes it", () => {
    const node = test.node("2");
    const corner = { x: node.x + node.w - 3, y: node.y + node.h - 3 };
    test.drag(corner, { x: corner.x + 60, y: corner.y + 40 });

    expect(test.editor.document.layout.nodes["2"]?.size).toEqual([380, 210]);
  });
});

describe("a node dropped on a link", () => {
  it("is put into it where its types fit", () => {
    const added = {
      ...test.editor.document,
      nodes: { ...test.editor.document.nodes, "8": { type: "ImageScale", inputs: {} } },
      layout: { nodes: { ...test.editor.document.layout.nodes, "8": { pos: [900, 600] as const } } },
    };
    test = new TestEditor(added);
    const a = test.outputSocket("6", "IMAGE");
    const from = test.title("8");
    test.drag(from, { x: from.x + (a.x + 20 - 900), y: from.y + (a.y - 20 - 600) });

    expect(test.editor.document.nodes["7"]?.inputs["images"]).toEqual({ link: ["8", "IMAGE"] });
    expect(test.editor.document.nodes["8"]?.inputs["image"]).toEqual({ link: ["6", "IMAGE"] });
  });
});

describe("a lasso", () => {
  it("selects the nodes whose middle it goes around", () => {
    const test = new TestEditor();
    const [first, ...others] = [...test.editor.scene.nodes.values()];
    const { x, y, w, h } = first!;
    test.editor.changeSettings({ drag: "select", select: "lasso" });
    const corners = [{ x: x - 15, y: y - 15 }, { x: x + w + 15, y: y - 15 }, { x: x + w + 15, y: y + h + 15 }, { x: x - 15, y: y + h + 15 }];
    test.press(corners[0]!);
    for (const corner of [...corners.slice(1), corners[0]!]) test.moveTo(corner);
    test.release(corners[0]!);

    expect([...test.editor.selection]).toEqual([first!.id]);
    expect(others.length).toBeGreaterThan(0);
    expect(test.editor.state.view.lasso).toBeNull();
  });
});

describe("nodes that keep to the grid", () => {
  it("land on it without a key, and freely with Shift", () => {
    const test = new TestEditor();
    const id = Object.keys(test.editor.document.nodes)[0]!;
    test.editor.changeSettings({ snap: true });
    const at = test.title(id);
    test.drag(at, { x: at.x + 33, y: at.y + 17 });

    expect(test.editor.document.layout.nodes[id]!.pos.map((each) => Math.abs(each % 20))).toEqual([0, 0]);
  });
});
