// Which messages this page has posted: the bot's answers to them open their threads.

const MAX_KEPT = 50;

export class OwnPosts {
  #kept = [];
  #waiting = 0; // posts whose answer is still to come

  has(ts) {
    return this.#kept.includes(ts);
  }

  forget() {
    this.#kept = [];
  }

  /** Run `post()`, which resolves to the timestamp, and keep that. */
  async during(post) {
    this.#waiting += 1;
    try {
      this.#keep(await post());
    } finally {
      this.#waiting -= 1;
    }
  }

  /** See a message of this person pass by: its event, and the bot, may overtake our own answer. */
  notice(message) {
    if (this.#waiting > 0 && !message.thread_ts) this.#keep(message.ts);
  }

  #keep(ts) {
    this.#kept = [...this.#kept, ts].slice(-MAX_KEPT);
  }
}
