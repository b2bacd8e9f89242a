// Who and what is in the workspace, as `actor` sees it: names, kinds, avatars, roles.

import { el } from "./dom.js";

const SLACKBOT = "USLACKBOT"; // tells a person that a command failed
const ROLE_LABELS = { bot: "app", external: "other company" };
const BADGES = { guest: "Guest", external: "Other company", deactivated: "Deactivated" };
const ACTORS = ["agent", "admin", "guest", "external"]; // whom the page can act as
const COLOURS = 6; // avatar-0 … avatar-5 in messages.css

export class Directory {
  constructor(state, me) {
    this.me = me;
    this.state = state;
    this.bot = state.bot;
    this.users = new Map(state.users.map((user) => [user.id, user]));
    this.channels = new Map(
      state.channels.filter((channel) => this.#mayRead(channel)).map((channel) => [channel.id, channel]),
    );
  }

  /** The app's shortcuts of a type: "global" or "message". */
  shortcuts(type) {
    return (this.state.shortcuts ?? []).filter((shortcut) => shortcut.type === type);
  }

  /** A direct message belongs to one person and the bot. */
  #mayRead(channel) {
    return channel.kind !== "im" || [undefined, null, this.me, this.bot.id].includes(channel.user);
  }

  get people() {
    return [...this.users.values()].filter((user) => ACTORS.includes(user.role));
  }

  get isAdmin() {
    return this.users.get(this.me)?.role === "admin";
  }

  roleLabel(user) {
    return ROLE_LABELS[user.role] ?? user.role;
  }

  displayName(user) {
    return user.real_name || user.name;
  }

  userName(id) {
    if (id === this.bot.id) return this.bot.name;
    const user = this.users.get(id);
    return user ? this.displayName(user) : null;
  }

  channelName(id) {
    const channel = this.channels.get(id);
    return channel && (channel.kind === "im" ? this.bot.name : channel.name.replace(/^#/, ""));
  }

  isFromBot(message) {
    return Boolean(message.bot_id) || message.user === this.bot.id;
  }

  author(message) {
    if (this.isFromBot(message)) return { id: this.bot.id, name: this.bot.name, isBot: true };
    if (message.user === SLACKBOT) return { id: SLACKBOT, name: "Slackbot", isBot: false };
    const badge = BADGES[this.users.get(message.user)?.role] ?? null;
    return { id: message.user, name: this.userName(message.user) ?? "Someone", isBot: false, badge };
  }

  avatar(author) {
    const initials = author.name.split(/[\s-]+/).slice(0, 2).map((word) => [...word][0] ?? "").join("");
    const place = [...this.users.keys()].indexOf(author.id);
    const colour = author.id === this.bot.id ? "bot" : Math.max(place, 0) % COLOURS;
    return el("span", { class: `avatar avatar-${colour}`, "aria-hidden": "true" }, initials.toUpperCase());
  }
}
