// The page: puts the parts together, keeps who acts and where, sends what people do.

import * as api from "./api.js";
import { Composer } from "./composer.js";
import { Deeds } from "./deeds.js";
import { Directory } from "./directory.js";
import { EventRouter } from "./events.js";
import { Home } from "./home.js";
import { Inspector } from "./inspector.js";
import { Modal } from "./modal.js";
import { Banner, Statuses, statusLine, toast } from "./notices.js";
import { OwnPosts } from "./own-posts.js";
import { followPermalinks } from "./permalinks.js";
import { Sidebar, PHONE } from "./sidebar.js";
import { Thread } from "./thread.js";
import { Timeline, dayDivider } from "./timeline.js";
import { welcome } from "./welcome.js";

const FIRST_ACTOR = "U0ANN";
const NOTES = { private: "Private channel", external: "Shared with another company", im: "App" };

class App {
  #directory = null;
  #stopEvents = () => {};
  #early = []; // events that came while a channel was loading
  #isLoading = false;
  #viewChanges = 0;
  own = new OwnPosts();
  channel = null;

  constructor() {
    const getDirectory = () => this.#directory;
    this.deeds = new Deeds({
      getPlace: () => ({ as: this.#directory.me, channel: this.channel }),
      fail: (error) => this.#fail(error),
    });
    const context = {
      directory: getDirectory,
      onAction: (message, action) => this.deeds.actInMessage(message, action),
      menuItems: (message) => this.deeds.messageItems(message, this.#directory),
    };
    const openThread = (ts) => this.thread.open(this.channel, ts, { takesFocus: true });
    this.banner = new Banner();
    this.statuses = new Statuses(() => this.#showStatuses());
    this.sidebar = new Sidebar({
      onChannel: (id) => this.#choose(id),
      onActor: (id) => this.#actAs(id, null),
    });
    this.channelTimeline = new Timeline(document.getElementById("messages"), { ...context, openThread }, {
      before: (messages) => this.#welcome(messages),
      separator: dayDivider,
    });
    this.composer = new Composer(document.getElementById("channel-composer"), {
      id: "channel-input", label: "Message", getDirectory, allowsCommands: true,
      send: (text) => this.#send(text),
    });
    this.thread = new Thread({
      context,
      send: (text, threadTs) => this.#post(text, threadTs),
      stop: (threadTs) => this.deeds.stop(threadTs),
      onMove: () => this.#showStatuses(),
      fail: (error) => this.#fail(error),
    });
    const onAction = (view, action) => this.deeds.actInView(view, action);
    this.home = new Home({ getDirectory, onAction, onTab: (name) => this.#showTab(name) });
    this.modal = new Modal({
      getDirectory,
      onAction,
      submit: (view, values) => this.deeds.submit(view, values),
      close: () => this.deeds.closeView(),
    });
    this.inspector = new Inspector({
      getState: () => this.#directory?.state ?? {},
      onFailure: (error) => this.#fail(error),
      onToggle: () => this.sidebar.toggle(false),
    });
    this.router = new EventRouter(this);
    document.addEventListener("keydown", (event) => this.#onKey(event));
    followPermalinks((place) => this.#goTo(place));
  }

  directory() {
    return this.#directory;
  }

  /** Start as the actor and in the channel that the address names, else as Ann in the first. */
  async start() {
    const place = new URLSearchParams(location.hash.slice(1));
    await this.#actAs(place.get("as") ?? FIRST_ACTOR, place.get("channel"));
  }

  async #actAs(actor, channel) {
    let state;
    try {
      state = await api.fetchState(actor);
    } catch (error) {
      this.#fail(error);
      if (this.#directory) this.sidebar.showState(this.#directory);
      else if (actor !== FIRST_ACTOR && error.isRefusal) await this.#actAs(FIRST_ACTOR, null);
      else setTimeout(() => this.#actAs(actor, channel), 2000);
      return;
    }
    this.#stopEvents();
    if (actor !== this.#directory?.me) this.#forgetActor();
    this.#directory = new Directory(state, actor);
    this.statuses.clear();
    this.sidebar.showState(this.#directory);
    this.composer.setShortcuts(this.deeds.globalItems(this.#directory));
    this.banner.setConnected(state.connected);
    const wanted = channel ?? this.channel;
    const next = this.#directory.channels.has(wanted) ? wanted : [...this.#directory.channels.keys()][0];
    const opened = this.#open(next);
    this.#stopEvents = api.followEvents(
      actor, (event) => this.#receive(event), (isUp) => this.#onLink(isUp));
    await Promise.all([opened, this.thread.reload(), this.#showViews()]);
  }

  #forgetActor() {
    this.own.forget();
    this.modal.show(null);
    this.home.forget();
    this.thread.close();
    this.thread.timeline.forget();
    this.channelTimeline.forget();
  }

  async #choose(channel) {
    this.sidebar.toggle(false);
    await this.#open(channel);
    if (!PHONE.matches) this.composer.focus();
  }

  async #goTo({ channel, threadTs }) {
    if (!this.#directory.channels.has(channel)) {
      toast("You are not in the channel of that message.");
      return;
    }
    if (channel !== this.channel) await this.#open(channel);
    await this.thread.open(channel, threadTs, { takesFocus: true });
  }

  async #open(id) {
    if (id !== this.channel) this.thread.close();
    this.channel = id;
    const channel = this.#directory.channels.get(id);
    const name = this.#directory.channelName(id);
    const title = channel.kind === "im" ? name : `#${name}`;
    document.getElementById("channel-title").textContent = title;
    document.getElementById("channel-note").textContent = NOTES[channel.kind] ?? "";
    document.title = `${title} · ${this.#directory.state.team.name}`;
    history.replaceState(null, "", `#${new URLSearchParams({ as: this.#directory.me, channel: id })}`);
    this.composer.moveTo(`${this.#directory.me}/${id}`, `Message ${title}`);
    this.home.select("messages", channel.kind === "im");
    this.sidebar.showChannels(this.#directory, id);
    this.#showStatuses();
    await this.#load();
  }

  /** Fetch the open channel; events that come meanwhile are applied afterwards. */
  async #load() {
    const [channel, directory] = [this.channel, this.#directory];
    const isStillOpen = () => channel === this.channel && directory === this.#directory;
    this.#isLoading = true;
    try {
      const { messages } = await api.fetchHistory(directory.me, channel);
      if (isStillOpen()) this.channelTimeline.load(messages);
    } catch (error) {
      if (isStillOpen()) this.#fail(error);
    }
    if (!isStillOpen()) return;
    this.#isLoading = false;
    for (const event of this.#early.splice(0)) this.router.receive(event);
  }

  #receive(event) {
    const isOwn = event.type === "message" && event.message.user === this.#directory.me;
    if (isOwn) this.own.notice(event.message);
    if (this.#isLoading) this.#early.push(event);
    else this.router.receive(event);
  }

  #onLink(isUp) {
    const wasUp = this.isLinked !== false;
    this.isLinked = isUp;
    this.banner.setLinked(isUp);
    if (!isUp || wasUp) return;
    this.inspector.restart();
    this.#actAs(this.#directory.me, this.channel); // what was missed is in the history
  }

  onBotReply(threadTs) {
    this.thread.open(this.channel, threadTs, { takesFocus: false });
  }

  onUnread(channel) {
    this.sidebar.markUnread(channel);
    this.sidebar.showChannels(this.#directory, this.channel);
  }

  onConnection(isConnected) {
    this.banner.setConnected(isConnected);
  }

  onView(kind, view) {
    this.#viewChanges += 1;
    if (kind === "modal") this.modal.show(view);
    else if (this.home.isShown) this.home.show(view);
  }

  #send(text) {
    return text.startsWith("/") ? this.deeds.command(text) : this.#post(text, null);
  }

  async #post(text, threadTs) {
    const place = { as: this.#directory.me, channel: this.channel };
    const body = threadTs ? { ...place, text, thread_ts: threadTs } : { ...place, text };
    const post = async () => (await api.postMessage(body)).ts;
    const isSent = await this.deeds.attempt(() => this.own.during(post));
    (threadTs ? this.thread.timeline : this.channelTimeline).scrollToEnd();
    return isSent;
  }

  #fail(error) {
    toast(error instanceof api.ApiError ? error.message : `The page failed: ${error.message}`);
  }

  async #showTab(name) {
    this.home.select(name, true);
    if (name === "home") this.thread.close();
    await this.deeds.attempt(() => api.openHome(this.#directory.me, name));
    if (name === "home") await this.#showViews();
  }

  /** Fetch the Home and the modal; an answer that was overtaken is fetched again. */
  async #showViews() {
    const [{ me }, changes] = [this.#directory, this.#viewChanges];
    await this.deeds.attempt(async () => {
      const { view, modal } = await api.fetchView(me);
      if (me !== this.#directory.me) return;
      if (changes !== this.#viewChanges) {
        await this.#showViews();
        return;
      }
      this.modal.show(modal);
      if (this.home.isShown) this.home.show(view);
    });
  }

  #showStatuses() {
    if (!this.#directory) return;
    const bot = this.#directory.bot.name;
    const inThread = this.thread.ts ? this.statuses.inThread(this.channel, this.thread.ts) : "";
    this.thread.composer.setStatus(statusLine(bot, inThread));
    this.thread.composer.setStoppable(
      this.thread.isStreaming || Boolean(inThread && this.#directory.state.hears_stop));
    this.composer.setStatus(statusLine(bot, this.statuses.inChannel(this.channel, this.thread.ts)));
  }

  #welcome(messages) {
    const channel = this.#directory.channels.get(this.channel);
    const fill = (text) => this.composer.fill(text);
    return [welcome(this.#directory, channel, messages.length === 0, fill)];
  }

  #onKey(event) {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (this.sidebar.isOpen) this.sidebar.toggle(false);
    else if (this.inspector.hasFocus) this.inspector.toggle();
    else this.thread.close();
  }
}

new App().start();
