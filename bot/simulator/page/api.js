// The control API of the local Slack: one function a call; a refusal becomes an ApiError.

const RETRY_MS = 2000;

/** `isRefusal`: the local Slack understood and said no; otherwise it could not be reached. */
export class ApiError extends Error {
  constructor(sentence, isRefusal) {
    super(sentence);
    this.isRefusal = isRefusal;
  }
}

async function call(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ApiError("The local Slack does not answer. Is it still running?", false);
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok || body.ok === false) {
    const sentence = body.error || `The local Slack answered with status ${response.status}.`;
    throw new ApiError(sentence, true);
  }
  return body;
}

function get(path, parameters) {
  const known = Object.entries(parameters).filter(([, value]) => value);
  return call(`${path}?${new URLSearchParams(known)}`);
}

function post(path, body) {
  return call(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

export const fetchState = (as) => get("/sim/state", { as });
export const fetchHistory = (as, channel, threadTs) =>
  get("/sim/history", { as, channel, thread_ts: threadTs });
export const fetchView = (as) => get("/sim/view", { as });
export const postMessage = (body) => post("/sim/post", body);
export const postCommand = (body) => post("/sim/command", body);
export const postAction = (body) => post("/sim/action", body);
export const useShortcut = (body) => post("/sim/shortcut", body);
export const submitView = (body) => post("/sim/submit", body);
export const closeView = (as) => post("/sim/close", { as });
export const stopThread = (body) => post("/sim/stop", body);
export const deleteMessage = (body) => post("/sim/delete", body);
export const orderFault = (order) => post("/sim/fault", order);
export const fetchLog = (since) => get("/sim/log", { since });
export const openHome = (as, tab) => post("/sim/home", { as, tab });

/** Follow the events of `as`: `onEvent(event)` each, `onLink(isUp)` when the stream comes or goes. */
export function followEvents(as, onEvent, onLink) {
  let source;
  let timer;
  const open = () => {
    source = new EventSource(`/sim/events?${new URLSearchParams({ as })}`);
    source.addEventListener("open", () => onLink(true));
    source.addEventListener("message", ({ data }) => onEvent(JSON.parse(data)));
    source.addEventListener("error", () => {
      onLink(false);
      // The browser tries again by itself unless the answer was an error page.
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, RETRY_MS);
    });
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
