// What a person does with the bot: sent to the local Slack; a refusal is told and becomes a false.

import * as api from "./api.js";

export class Deeds {
  /** `getPlace()` gives { as, channel }; `fail(error)` tells the person. */
  constructor({ getPlace, fail }) {
    this.getPlace = getPlace;
    this.fail = fail;
  }

  async attempt(request) {
    try {
      await request();
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  command(text) {
    const [, command, rest] = /^(\S+)\s*([\s\S]*)$/.exec(text);
    return this.attempt(() => api.postCommand({ ...this.getPlace(), command, text: rest }));
  }

  actInMessage(message, action) {
    return this.attempt(() => api.postAction({ ...this.getPlace(), message_ts: message.ts, ...action }));
  }

  actInView(view, action) {
    return this.attempt(() => api.postAction({ ...this.getPlace(), view_id: view.id, ...action }));
  }

  /** Gives errors by block_id, null when the view could not be sent. */
  async submit(view, values) {
    let errors = null;
    await this.attempt(async () => {
      ({ errors } = await api.submitView({ as: this.getPlace().as, view_id: view.id, values }));
    });
    return errors;
  }

  closeView() {
    return this.attempt(() => api.closeView(this.getPlace().as));
  }

  stop(threadTs) {
    return this.attempt(() => api.stopThread({ ...this.getPlace(), thread_ts: threadTs }));
  }

  remove(message) {
    return this.attempt(() => api.deleteMessage({ ...this.getPlace(), message_ts: message.ts }));
  }

  /** Use a shortcut, on a message or from anywhere. */
  useShortcut(shortcut, message = null) {
    const where = message ? { message_ts: message.ts } : {};
    const body = { ...this.getPlace(), callback_id: shortcut.callback_id, ...where };
    return this.attempt(() => api.useShortcut(body));
  }

  /** The menu of a message: the app's shortcuts, and one's own message can be deleted. */
  messageItems(message, directory) {
    const items = directory.shortcuts("message").map((shortcut) => ({
      title: shortcut.name, note: directory.bot.name, run: () => this.useShortcut(shortcut, message),
    }));
    if (message.user !== directory.me || message.subtype === "tombstone") return items;
    return [...items, { title: "Delete message", isDanger: true, run: () => this.remove(message) }];
  }

  /** What can be done from anywhere. */
  globalItems(directory) {
    return directory.shortcuts("global").map((shortcut) => ({
      title: shortcut.name, note: directory.bot.name, run: () => this.useShortcut(shortcut),
    }));
  }
}
