import { createContext, use } from "react";
import type { Language } from "./i18n";

/** Changes the language and renders everything again. */
export const LanguageContext = createContext<(language: Language) => void>(() => undefined);

export function useChangeLanguage(): (language: Language) => void {
  return use(LanguageContext);
}
