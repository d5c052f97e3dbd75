import { createTypeScriptImportResolver } from "eslint-import-resolver-typescript";
import importX from "eslint-plugin-import-x";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

/** Which folder may not import which; the reading of the house rules as lint. */
const FORBIDDEN = [
  { from: "core", not: ["canvas", "store", "features", "ui", "api", "session", "commands"] },
  { from: "canvas", not: ["features", "ui", "api", "session", "commands"] },
  { from: "store", not: ["features", "ui", "api", "session", "commands"] },
  { from: "api", not: ["features", "ui", "session", "commands", "canvas"] },
  { from: "session", not: ["features", "ui", "commands"] },
  { from: "commands", not: ["features"] },
];

export default tseslint.config(
  { ignores: ["dist", "coverage", "node_modules"] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ["*.js", "bench/*.mjs"] }, tsconfigRootDir: import.meta.dirname } },
    plugins: { "import-x": importX, "react-hooks": reactHooks },
    settings: { "import-x/resolver-next": [createTypeScriptImportResolver()] },
    rules: {
      "import-x/no-cycle": ["error", { ignoreExternal: true }],
      "react-hooks/rules-of-hooks": "error",
      "react-hooks/exhaustive-deps": "error",
      "max-lines": ["error", { max: 400 }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      "@typescript-eslint/no-dynamic-delete": "off",
    },
  },
  ...FORBIDDEN.map(({ from, not }) => ({
    files: [`src/${from}/**/*.{ts,tsx}`],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: not.map((folder) => ({ regex: `^(\\.\\./)+${folder}(/|$)`, message: `${from}/ may not import ${folder}/` })) },
      ],
    },
  })),
  { files: ["src/{core,canvas,store}/**/*.ts"], rules: { "no-restricted-imports": ["error", { paths: [{ name: "react", message: "no React here" }] }] } },
  { files: ["tests/**"], rules: { "@typescript-eslint/no-non-null-assertion": "off" } },
  { files: ["**/*.js", "**/*.mjs"], ...tseslint.configs.disableTypeChecked },
);
