// The sidebar: workspace, "act as", channels and the bot; on a phone a drawer.

import { el, icon } from "./dom.js";

const KIND_ICONS = { public: "hash", private: "lock", external: "shared" };
const KIND_NOTES = { public: "", private: "private channel", external: "shared with another company" };

export const PHONE = window.matchMedia("(max-width: 760px)");

export class Sidebar {
  #unread = new Map(); // channel → messages since it was last open

  constructor({ onChannel, onActor }) {
    this.onChannel = onChannel;
    this.nav = document.getElementById("sidebar");
    this.list = document.getElementById("channels");
    this.menu = document.getElementById("menu");
    this.backdrop = document.getElementById("backdrop");
    this.actor = document.getElementById("act-as");
    this.menu.append(icon("menu"));
    this.menu.addEventListener("click", () => this.toggle(!this.isOpen));
    this.backdrop.addEventListener("click", () => this.toggle(false));
    this.actor.addEventListener("change", () => onActor(this.actor.value));
    PHONE.addEventListener("change", () => this.toggle(false));
    this.toggle(false);
  }

  get isOpen() {
    return this.nav.classList.contains("open");
  }

  /** Open or close the drawer; on a wide screen the sidebar is always there. */
  toggle(isOpen) {
    const wasOpen = this.isOpen;
    this.nav.classList.toggle("open", isOpen && PHONE.matches);
    this.backdrop.hidden = !this.isOpen;
    this.menu.setAttribute("aria-expanded", String(this.isOpen));
    this.nav.inert = PHONE.matches && !this.isOpen;
    if (this.isOpen) this.actor.focus();
    else if (wasOpen) this.menu.focus();
  }

  showState(directory) {
    document.getElementById("team").textContent = directory.state.team.name;
    this.actor.replaceChildren(...directory.people.map((user) =>
      el("option", { value: user.id }, `${directory.displayName(user)} (${directory.roleLabel(user)})`)));
    this.actor.value = directory.me;
    this.#unread.clear();
  }

  markUnread(channelId) {
    this.#unread.set(channelId, (this.#unread.get(channelId) ?? 0) + 1);
  }

  /** Draw the list with the open channel marked. */
  showChannels(directory, openChannel) {
    this.#unread.delete(openChannel);
    const channels = [...directory.channels.values()];
    const part = (title, members) => (members.length === 0 ? [] : [
      el("h2", { class: "sidebar-title" }, title),
      el("ul", {}, ...members.map((channel) =>
        el("li", {}, this.#entry(channel, directory, channel.id === openChannel)))),
    ]);
    const focused = document.activeElement?.dataset?.channel;
    this.list.replaceChildren(
      ...part("Channels", channels.filter((channel) => channel.kind !== "im")),
      ...part("Direct messages", channels.filter((channel) => channel.kind === "im")));
    if (focused) this.list.querySelector(`[data-channel="${CSS.escape(focused)}"]`)?.focus();
  }

  #entry(channel, directory, isOpen) {
    const unread = this.#unread.get(channel.id) ?? 0;
    const isDirect = channel.kind === "im";
    const name = directory.channelName(channel.id);
    const note = KIND_NOTES[channel.kind];
    const marker = isDirect
      ? directory.avatar({ id: directory.bot.id, name })
      : icon(KIND_ICONS[channel.kind] ?? "hash");
    return el("button", {
      type: "button",
      class: unread > 0 ? "channel unread" : "channel",
      "data-channel": channel.id,
      "aria-current": isOpen ? "page" : null,
      title: note || null,
      onclick: () => this.onChannel(channel.id),
    },
    marker,
    el("span", { class: "channel-name" }, name),
    isDirect ? el("span", { class: "app-badge" }, "APP") : null,
    note ? el("span", { class: "visually-hidden" }, `, ${note}`) : null,
    unread > 0 ? el("span", { class: "unread-count", "aria-label": `${unread} new` }, String(unread)) : null);
  }
}
