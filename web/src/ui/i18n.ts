/** Texts of the interface. English is the key; another language is a dictionary from English. */

let messages: Readonly<Record<string, string>> = {};

/** The text in the chosen language; `{name}` is replaced by the value of that name. */
export function t(text: string, values: Readonly<Record<string, string | number>> = {}): string {
  const found = messages[text] ?? text;
  return found.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;
const KEY = "heddle.language";

export function chosenLanguage(): Language {
  return window.localStorage.getItem(KEY) === "de" ? "de" : "en";
}

export async function useLanguage(language: Language): Promise<void> {
  window.localStorage.setItem(KEY, language);
  document.documentElement.lang = language;
  messages = language === "de" ? await loadGerman() : {};
}

/** Loaded only when somebody chooses it. */
async function loadGerman(): Promise<typeof messages> {
  return (await import("./de.json")).default;
}
