// Dates, numbers and names of languages, for the person who looks at the page.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const clockWithSeconds = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const thisYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long" });
const otherYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const languages = new Intl.DisplayNames(["en"], { type: "language" });

export const timeOf = (unix) => clock.format(new Date(unix * 1000));

export function preciseTime(iso) {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? String(iso) : clockWithSeconds.format(date);
}

export const isoOf = (unix) => new Date(unix * 1000).toISOString();

export function dayOf(unix) {
  const date = new Date(unix * 1000);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

export function dayName(unix) {
  const days = Math.round((dayOf(Date.now() / 1000) - dayOf(unix)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  const date = new Date(unix * 1000);
  return (date.getFullYear() === new Date().getFullYear() ? thisYear : otherYear).format(date);
}

export function languageName(code) {
  try {
    return languages.of(code) ?? code;
  } catch {
    return code; // Not a language tag at all.
  }
}

/** Milliseconds with as many digits as they deserve: 0.04, 3.1, 27, 1 240. */
export function milliseconds(ms) {
  const value = Number(ms) || 0;
  if (value === 0) return "0 ms";
  if (value < 0.01) return "<0.01 ms";
  if (value < 1) return `${value.toFixed(2)} ms`;
  if (value < 10) return `${value.toFixed(1)} ms`;
  return value < 10_000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

export function money(total, currency) {
  if (total === null || total === undefined || total === "") return "";
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(Number(total));
  } catch {
    return `${total} ${currency ?? ""}`.trim(); // An unknown currency code.
  }
}

export const words = (name) => String(name ?? "").replaceAll("_", " ");

const LETTER = /\p{L}/u;
const RTL_LETTER = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/** Whether a paragraph runs from right to left: its first letter decides, as in Telegram. */
export function runsRightToLeft(text) {
  const letter = LETTER.exec(text);
  return letter !== null && RTL_LETTER.test(letter[0]);
}
