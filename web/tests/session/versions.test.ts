import { beforeEach, describe, expect, it } from "vitest";
import { type Shelf, type Version, Versions } from "../../src/session/versions";
import { DEFAULT_WORKFLOW } from "../testEditor";

class MemoryShelf implements Shelf {
  readonly kept = new Map<string, Version>();
  all(lineage: string) {
    return Promise.resolve([...this.kept.values()].filter((version) => version.lineage === lineage));
  }
  lineageOf(workflow: string) {
    const found = [...this.kept.values()].filter((version) => version.document.name === workflow).sort((a, b) => b.at - a.at);
    return Promise.resolve(found[0]?.lineage ?? null);
  }
  put(version: Version) {
    this.kept.set(version.id, version);
    return Promise.resolve();
  }
  remove(id: string) {
    this.kept.delete(id);
    return Promise.resolve();
  }
}

let clock = 0;
let shelf: MemoryShelf;
let versions: Versions;
const named = (name: string) => ({ ...DEFAULT_WORKFLOW, name });

beforeEach(() => {
  clock = 0;
  shelf = new MemoryShelf();
  versions = new Versions(shelf, () => (clock += 1), () => `v${clock}-${shelf.kept.size}`);
});

describe("versions", () => {
  it("are listed newest first, and the same document is kept once", async () => {
    await versions.keep("a", named("one"), "run");
    await versions.keep("a", named("one"), "run");
    await versions.keep("a", named("two"), "saved");

    expect((await versions.list("a")).map(({ document }) => document.name)).toEqual(["two", "one"]);
  });

  it("get their name on the version that is there already", async () => {
    await versions.keep("a", named("one"), "run");
    await versions.keep("a", named("one"), "named", "The good one");

    expect(await versions.list("a")).toEqual([expect.objectContaining({ name: "The good one", reason: "named" })]);
  });

  it("that nobody named go when there are many, named ones stay", async () => {
    await versions.keep("a", named("first"), "named", "Keep me");
    for (let count = 0; count < 60; count += 1) await versions.keep("a", named(`run ${count}`), "run");
    const list = await versions.list("a");

    expect(list.length).toBeLessThan(45);
    expect(list.at(-1)!.name).toBe("Keep me");
    expect(list[0]!.document.name).toBe("run 59");
  });

  it("are found again by the workflow's name", async () => {
    await versions.keep("a", named("Portrait"), "saved");

    expect(await versions.lineageOf("Portrait")).toBe("a");
    expect(await versions.lineageOf("Landscape")).toBeNull();
  });

  it("lose a blank name", async () => {
    await versions.keep("a", named("one"), "named", "x");
    await versions.rename((await versions.list("a"))[0]!, "  ");

    expect((await versions.list("a"))[0]!.name).toBeNull();
  });
});
