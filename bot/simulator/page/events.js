// Server-sent events → changes of the timelines, the sidebar and the lines about the bot.

import { compareTs } from "./time.js";

const COUNTERS = ["reply_count", "latest_reply", "reply_users", "reply_users_count"];

const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;
const isInChannel = (message) => !isReply(message) || message.subtype === "thread_broadcast";

/** An edit does not repeat how many replies there are; keep what we know. */
function withCounters(message, known) {
  if (!known) return message;
  const counters = COUNTERS.filter((name) => name in known && !(name in message));
  return { ...message, ...Object.fromEntries(counters.map((name) => [name, known[name]])) };
}

export class EventRouter {
  /** `page`: channel, channelTimeline, thread, statuses, directory(), own, and the on… callbacks. */
  constructor(page) {
    this.page = page;
  }

  receive(event) {
    switch (event.type) {
      case "message":
      case "ephemeral": return this.#added(event);
      case "message_changed":
      case "reaction": return this.#changed(event);
      case "message_deleted":
      case "ephemeral_deleted": return this.#deleted(event);
      case "status": return this.#status(event);
      case "view": return this.page.onView(event.kind, event.view);
      case "connection": return this.page.onConnection(event.connected);
      default: return undefined; // a newer server may tell more than this page knows
    }
  }

  #status({ channel, thread_ts: threadTs, status, loading_messages: loading }) {
    this.page.statuses.set(channel, threadTs, status, loading);
  }

  #added({ channel, message }) {
    const { page } = this;
    const isFromBot = page.directory().isFromBot(message);
    if (isFromBot) page.statuses.set(channel, message.thread_ts ?? message.ts, "");
    if (channel !== page.channel) {
      if (message.user !== page.directory().me) page.onUnread(channel);
      return;
    }
    const known = page.channelTimeline.get(message.ts);
    if (isInChannel(message)) page.channelTimeline.put(withCounters(message, known));
    if (!isReply(message)) return;
    this.#countReply(message);
    if (page.thread.shows(channel, message.thread_ts)) page.thread.timeline.put(message);
    else if (this.#opensThread(message)) page.onBotReply(message.thread_ts);
  }

  /** The bot answers in a thread what this person has just written, and no other thread is in use. */
  #opensThread(message) {
    const { page } = this;
    return page.directory().isFromBot(message) && page.own.has(message.thread_ts) && !page.thread.isBusy;
  }

  #countReply(reply) {
    const timeline = this.page.channelTimeline;
    const root = timeline.get(reply.thread_ts);
    if (!root || reply.is_ephemeral) return;
    if (compareTs(reply.ts, root.latest_reply ?? "0") <= 0) return; // the server has counted it
    timeline.put({ ...root, reply_count: (root.reply_count ?? 0) + 1, latest_reply: reply.ts });
  }

  #changed({ channel, message }) {
    const { page } = this;
    if (channel !== page.channel || !message) return;
    for (const timeline of [page.channelTimeline, page.thread.timeline]) {
      const known = timeline.get(message.ts);
      if (known) timeline.put(withCounters(message, known));
    }
  }

  #deleted({ channel, message, ts }) {
    const { page } = this;
    if (channel !== page.channel) return;
    const gone = ts ?? message?.ts;
    page.channelTimeline.remove(gone);
    page.thread.timeline.remove(gone);
    if (page.thread.ts === gone) page.thread.close();
    const root = message && isReply(message) && !message.is_ephemeral
      && page.channelTimeline.get(message.thread_ts);
    if (root?.reply_count) page.channelTimeline.put({ ...root, reply_count: root.reply_count - 1 });
  }
}
