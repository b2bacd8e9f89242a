// The page: puts the parts together, keeps who acts and where, sends what people do.

import * as api from "./api.js";
import { Composer } from "./composer.js";
import { Directory } from "./directory.js";
import { EventRouter } from "./events.js";
import { Home } from "./home.js";
import { Banner, Statuses, statusLine, toast } from "./notices.js";
import { OwnPosts } from "./own-posts.js";
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
  own = new OwnPosts();
  channel = null;

  constructor() {
    const context = {
      directory: () => this.#directory,
      onAction: (message, action) => this.#act({ channel: this.channel, message_ts: message.ts, ...action }),
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
      id: "channel-input", label: "Message", getDirectory: context.directory, allowsCommands: true,
      send: (text) => this.#send(text),
    });
    this.thread = new Thread({
      context,
      send: (text, threadTs) => this.#post(text, threadTs),
      onMove: () => this.#showStatuses(),
      fail: (error) => this.#fail(error),
    });
    this.home = new Home({
      getDirectory: context.directory,
      onTab: (name) => this.#showTab(name),
      onAction: (view, action) => this.#act({ channel: this.channel, view_id: view.id, ...action }),
    });
    this.router = new EventRouter(this);
    document.addEventListener("keydown", (event) => this.#onKey(event));
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
    this.banner.setConnected(state.connected);
    const wanted = channel ?? this.channel;
    const next = this.#directory.channels.has(wanted) ? wanted : [...this.#directory.channels.keys()][0];
    const opened = this.#open(next);
    this.#stopEvents = api.followEvents(
      actor, (event) => this.#receive(event), (isUp) => this.#onLink(isUp));
    await Promise.all([opened, this.thread.reload()]);
  }

  #forgetActor() {
    this.own.forget();
    this.thread.close();
    this.thread.timeline.forget();
    this.channelTimeline.forget();
  }

  async #choose(channel) {
    this.sidebar.toggle(false);
    await this.#open(channel);
    if (!PHONE.matches) this.composer.focus();
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
    if (isUp && !wasUp) this.#actAs(this.#directory.me, this.channel); // what was missed is in the history
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

  onView() {
    if (this.home.isShown) this.#showView();
  }

  #send(text) {
    if (!text.startsWith("/")) return this.#post(text, null);
    const [, command, rest] = /^(\S+)\s*([\s\S]*)$/.exec(text);
    const body = { as: this.#directory.me, channel: this.channel, command, text: rest };
    return this.#attempt(() => api.postCommand(body));
  }

  async #post(text, threadTs) {
    const place = { as: this.#directory.me, channel: this.channel };
    const body = threadTs ? { ...place, text, thread_ts: threadTs } : { ...place, text };
    const post = async () => (await api.postMessage(body)).ts;
    const isSent = await this.#attempt(() => this.own.during(post));
    (threadTs ? this.thread.timeline : this.channelTimeline).scrollToEnd();
    return isSent;
  }

  #act(action) {
    return this.#attempt(() => api.postAction({ as: this.#directory.me, ...action }));
  }

  async #attempt(request) {
    try {
      await request();
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  #fail(error) {
    toast(error instanceof api.ApiError ? error.message : `The page failed: ${error.message}`);
  }

  async #showTab(name) {
    this.home.select(name, true);
    if (name === "home") this.thread.close();
    await this.#attempt(() => api.openHome(this.#directory.me, name));
    if (name === "home") await this.#showView();
  }

  async #showView() {
    await this.#attempt(async () => this.home.show((await api.fetchView(this.#directory.me)).view));
  }

  #showStatuses() {
    if (!this.#directory) return;
    const bot = this.#directory.bot.name;
    const inThread = this.thread.ts ? this.statuses.inThread(this.channel, this.thread.ts) : "";
    this.thread.composer.setStatus(statusLine(bot, inThread));
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
    else this.thread.close();
  }
}

new App().start();
