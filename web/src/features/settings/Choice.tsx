import css from "./settings.module.css";

interface Props<T extends string> {
  readonly label: string;
  readonly value: T;
  /** Each choice with what people read. */
  readonly choices: readonly (readonly [T, string])[];
  readonly onChoose: (value: T) => void;
}

/** One of a few, all of them in sight. */
export function Choice<T extends string>({ label, value, choices, onChoose }: Props<T>) {
  return (
    <fieldset className={css.choice}>
      <legend>{label}</legend>
      <div role="radiogroup" aria-label={label}>
        {choices.map(([choice, text]) => (
          <label key={choice} data-chosen={choice === value || undefined}>
            <input type="radio" name={label} checked={choice === value} onChange={() => onChoose(choice)} />
            {text}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
