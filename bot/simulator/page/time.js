// Slack's timestamps ("1795352385.000100") as people read them.

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const WEEKDAY = new Intl.DateTimeFormat("en", { weekday: "long", month: "long", day: "numeric" });
const FULL = new Intl.DateTimeFormat("en", { dateStyle: "full", timeStyle: "medium" });
const DAY_MS = 24 * 60 * 60 * 1000;

const dateOf = (ts) => new Date(Number(ts) * 1000);

export const clock = (ts) => CLOCK.format(dateOf(ts));
export const shortClock = (ts) => clock(ts).replace(/\s?[AP]M$/i, "");
export const fullTime = (ts) => FULL.format(dateOf(ts));

/** "Today", "Yesterday" or "Monday, November 23"; equal for two times on one day. */
export function day(ts, now = new Date()) {
  const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  const days = Math.round((midnight(now) - midnight(dateOf(ts))) / DAY_MS);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return WEEKDAY.format(dateOf(ts));
}

/** Order timestamps of one channel; they differ only in length when a clock passes a power of ten. */
export function compareTs(left, right) {
  return Number(left) - Number(right) || (left < right ? -1 : left > right ? 1 : 0);
}
