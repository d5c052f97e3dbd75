import { Component, type ErrorInfo, type ReactNode } from "react";
import { t } from "./i18n";
import css from "./ErrorBoundary.module.css";

interface Props {
  /** What stops working when this part fails. */
  readonly part: string;
  readonly children: ReactNode;
}

/** Keeps a failing part of the page from taking the rest with it, and names it. */
export class ErrorBoundary extends Component<Props, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    console.error(`${this.props.part} failed`, error, info.componentStack);
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div className={css.failed} role="alert">
        <b>{t("{part} stopped working", { part: this.props.part })}</b>
        <p>{error.message}</p>
        <button type="button" onClick={() => this.setState({ error: null })}>
          {t("Try again")}
        </button>
      </div>
    );
  }
}
