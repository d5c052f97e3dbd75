import { activeRun } from "../../store/store";
import { useEditorState } from "../../ui/context";

/** What is wrong with this input, as one text; null when nothing is. */
export function useInputProblem(node: string, input: string | null): string | null {
  return useEditorState((state) => {
    if (input === null) return null;
    const found = activeRun(state).problems.find((problem) => problem.node === node && problem.input === input);
    return found ? `${found.what} ${found.fix}`.trim() : null;
  });
}
