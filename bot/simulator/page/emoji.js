// The emoji names people and the bot use most; an unknown name stays as it was written.

const EMOJI = {
  "+1": "👍", thumbsup: "👍", "-1": "👎", thumbsdown: "👎", eyes: "👀", wave: "👋", tada: "🎉",
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", rotating_light: "🚨",
  sos: "🆘", question: "❓", exclamation: "❗", information_source: "ℹ️", bulb: "💡", mag: "🔍",
  book: "📖", books: "📚", page_facing_up: "📄", link: "🔗", memo: "📝", lock: "🔒", key: "🔑",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", stopwatch: "⏱️", clock1: "🕐", calendar: "📅",
  gear: "⚙️", wrench: "🔧", hammer_and_wrench: "🛠️", arrows_counterclockwise: "🔄", rocket: "🚀",
  fire: "🔥", sparkles: "✨", star: "⭐", heart: "❤️", smile: "😄", slightly_smiling_face: "🙂",
  wink: "😉", joy: "😂", thinking_face: "🤔", disappointed: "😞", cry: "😢", pray: "🙏",
  clap: "👏", raised_hands: "🙌", robot_face: "🤖", speech_balloon: "💬", arrow_right: "➡️",
  bar_chart: "📊", no_entry: "⛔", zzz: "💤", point_right: "👉", construction: "🚧",
};

/** The characters of `:name:` (skin tones dropped), or the name between colons. */
export function emoji(name) {
  const plain = name.split("::")[0];
  return Object.hasOwn(EMOJI, plain) ? EMOJI[plain] : `:${name}:`;
}

export const isEmoji = (name) => Object.hasOwn(EMOJI, name);
