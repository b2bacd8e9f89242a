// Links to messages of this workspace open here: the address itself leads to the real Slack.

const PERMALINK = /^https:\/\/[\w-]+\.slack\.com\/archives\/([A-Z0-9]+)\/p(\d{10})(\d{6})(?:\?(.*))?$/;

/** Where a link to a message leads: { channel, ts, threadTs }, or null for any other address. */
export function placeOf(address) {
  const found = PERMALINK.exec(address);
  if (!found) return null;
  const [, channel, seconds, micros, query] = found;
  const ts = `${seconds}.${micros}`;
  return { channel, ts, threadTs: new URLSearchParams(query).get("thread_ts") ?? ts };
}

/** Call `open(place)` for every click on such a link. */
export function followPermalinks(open) {
  document.addEventListener("click", (event) => {
    const place = placeOf(event.target.closest?.("a[href]")?.href ?? "");
    if (!place) return;
    event.preventDefault();
    open(place);
  });
}
